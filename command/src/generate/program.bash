# shellcheck shell=bash
# The first word that is no option is a program; what follows is completed as that program has it.
_usertrap_words() {
    local i=1 verb=0
    while ((i < COMP_CWORD)); do
        case ${COMP_WORDS[i]} in
        --) ((i++)); break ;;
        -o | --output | -E | --env | --table | --log | --unfit | --library | -e | --calls | -s | --string-limit | --html)
            # An equals sign is a word of its own here.
            [[ ${COMP_WORDS[i + 1]-} == = ]] && ((i++))
            ((i += 2))
            continue
            ;;
        -*) ;;
        =) ((i++)) ;;
        stat | trace) ((verb)) && break; verb=1 ;;
        sites | generate) ((verb)) && break; _usertrap "$@"; return ;;
        *) break ;;
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
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[i]}")
        ((verb)) || [[ stat != "${COMP_WORDS[i]}"* ]] || COMPREPLY+=(stat)
        ((verb)) || [[ trace != "${COMP_WORDS[i]}"* ]] || COMPREPLY+=(trace)
        ((verb)) || [[ sites != "${COMP_WORDS[i]}"* ]] || COMPREPLY+=(sites)
    else
        _usertrap "$@"
    fi
}
complete -o bashdefault -o default -F _usertrap_words usertrap
