# fish completion for muster

function __muster_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] __complete -- $words[2..-1] $current 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path $current
            case :nospace
                # fish adds no space after = by itself
            case '*'
                echo $line
        end
    end
end

complete -c muster -f -a '(__muster_complete)'
