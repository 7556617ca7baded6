package annexcli

import "testing"

// recordSteps compare what JSON tells, and exit codes.
var recordSteps = []string{
	`git init -q a && cd a && git annex init A -q && mkdir d && echo one > one && echo same > d/s1 && echo same > d/s2 && git annex add -q . && git commit -qm 1 && mkdir ../dir && git annex initremote -q dirr type=directory directory=../dir encryption=none && git annex copy -q --to dirr`,
	`cd a && git annex whereis one --json-error-messages | grep -c '^{'; git annex get one --json-progress; git annex find --json-progress one; git annex unused --json; git annex numcopies --json`,
	`cd a && echo n > n && git annex add n --json --json-progress; git annex metadata n --json; git annex metadata n`,
	`cd a && git annex drop d --json; git annex get -q d; git annex drop d/s1; git annex get -q d; git annex move --to dirr d --json; git annex get -q d`,
	`cd a && git annex get -q d; printf 'd/s1\nd/s2\n' | git annex drop --batch --json; git annex get -q d`,
	`cd a && git annex drop --force -q one; git annex drop --from dirr one; git annex drop --from dirr one --json`,
	`cd a && mv ../dir ../gone; git annex get one --json --json-error-messages | sed 's/"error-messages":[^]]*],//'; git annex get one 2>/dev/null; mv ../gone ../dir; git annex get -q one`,
	`cd a && rm -rf ../dir/*; git annex drop -q --force d; git annex get d/s1 2>/dev/null`,
	`cd a && git annex unlock -q one && echo more >> one && git annex lock one --json --json-error-messages; git annex lock -q --force one`,
	`cd a && git annex registerurl SHA256E-s1--00 http://x/ --json; printf 'SHA256E-s1--01 http://x/\n' | git annex registerurl --batch --json; git annex registerurl SHA256E-s1--00 http://y/`,
	`cd a && printf 'SHA256E-s1--00 nn\n' | git annex fromkey --batch --json --force; git annex fromkey --json --force SHA256E-s1--01 n2`,
	`cd a && git annex whereis --unused; git annex dropunused all --force; git annex rmurl nope http://x`,
	`cd a && git annex numcopies 0 --force`,
	`cd a && git annex numcopies 1 2`,
	`cd a && git annex config --get bogus`,
}

func TestRecordsLikeGitAnnex(t *testing.T) { likeGitAnnex(t, recordSteps) }
