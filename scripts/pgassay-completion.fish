# fish completion for pgassay: the tools, then each tool's own.
function __pgassay_of_tool
    set -l words (commandline -opc)
    if test "$words[2]" = setup
        pgassay-setup --help | string match -arg -- '(--[a-z-]+)'
        return
    end
    complete -C (string join -- ' ' pgassay-$words[2] (string escape -- $words[3..-1]) (commandline -ct))
end
complete -c pgassay -f
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a setup -d 'from a database to a scheduled, proven backup of it, step by step'
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a backup -d 'take a consistent backup of one, several or all databases'
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a restore -d 'bring a backup back into a server, or into a throw-away one'
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a verify -d 'prove a backup'
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a storage -d 'look after a repository'
complete -c pgassay -n 'test (count (commandline -opc)) -eq 1' -a notify -d 'whom failures are told, and a test message'
complete -c pgassay -n 'test (count (commandline -opc)) -gt 1' -a '(__pgassay_of_tool)'
