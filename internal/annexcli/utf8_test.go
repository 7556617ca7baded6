package annexcli

import "testing"

var utf8Steps = []string{
	"git init -q a && cd a && git annex init A -q && echo 1 > \"$(printf 'b\\377\\376\\342x\\355\\240\\200\\303\\274\\360\\237\\230')\" && git annex add --json b* > ../out && iconv -f utf-8 -t utf-8 ../out",
	"cd a && git annex find --json b* | od -c | head -n 12; git annex whereis --json b* | grep -c \"$(printf '\\357\\277\\275x')\"; git annex metadata --json -s \"k=$(printf 'v\\377')\" b* | iconv -f utf-8 -t utf-8 | grep -c \"$(printf 'v\\357\\277\\275')\"",
}

func TestJSONIsText(t *testing.T) { likeGitAnnex(t, utf8Steps) }
