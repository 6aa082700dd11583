# Short-lived processes of bash: 300 pipelines, 600 programs one after the other, awk and sed that start programs.
# modes: rewrite trap command guest
# processes: 1100
under bash -c '
    for number in {1..100}; do
        seq "$number" | sort -n | tail -n 1 | sed "s/^/$number: /" | tr 0-9 a-j
    done
    for number in {1..300}; do /bin/true || echo "$number failed"; done
    for number in {1..300}; do text+=$(/bin/echo "$number"); done
    echo ${#text}
'
under awk 'BEGIN {
    for (i = 0; i < 20; i++) {
        command = "expr " i " \\* " i
        command | getline square
        close(command)
        print square | "sort -n"
        if (system("exit " i) != i) print "status of " i
    }
    close("sort -n")
    print "done"
}'
echo 'printf "%s %s\n" evaluated by-sed' | under sed e
