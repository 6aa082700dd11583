# shellcheck shell=bash
# The first word that is no option is a program; what follows is completed as that program has it. Before it `policy` takes a file.
_usertrap_words() {
    local i=1 verb='' file='' word
    while ((i < COMP_CWORD)); do
        case ${COMP_WORDS[i]} in
        --) ((i++)); break ;;
        @OPTIONS@)
            # An equals sign is a word of its own here.
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((i += 2))
            continue
            ;;
        -*) ;;
        =) ((i++)) ;;
        @VERBS@) [[ $verb ]] && break; verb=${COMP_WORDS[i]} ;;
        @OTHERS@) [[ $verb ]] && break; _usertrap "$@"; return ;;
        *)
            [[ $verb == policy && ! $file ]] || break
            file=${COMP_WORDS[i]}
            ;;
        esac
        ((i++))
    done
    if ((i < COMP_CWORD)); then
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset "$i"
        elif declare -F _command_offset >/dev/null; then
            _command_offset "$i"
        fi
    elif ((i == COMP_CWORD)) && [[ ${COMP_WORDS[i]} != -* ]]; then
        if [[ $verb == policy && ! $file && ${COMP_WORDS[i - 1]} != -- ]]; then
            mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[i]}")
            return
        fi
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[i]}")
        # shellcheck disable=SC2043
        for word in @WORDS@; do
            [[ $verb || $word != "${COMP_WORDS[i]}"* ]] || COMPREPLY+=("$word")
        done
    else
        _usertrap "$@"
    fi
}
complete -o bashdefault -o default -F _usertrap_words usertrap
