package annexcmd

import "strings"

// askElsewhere adds the repositories that may have content which is missed: what
// can be done to reach those that are wanted, and those that are not trusted.
// none is said where there are neither. Only people are told; in JSON there is a
// list of those that are wanted.
func (r *Repositories) askElsewhere(o Outcome, wanted, skipped []string, none string) Outcome {
	var remotes, special, others []string
	for _, u := range wanted {
		switch {
		case r.names[u] != "":
			remotes = append(remotes, u)
		case r.special[u]:
			special = append(special, u)
		default:
			others = append(others, u)
		}
	}
	text := ""
	for _, l := range []struct {
		title string
		uuids []string
	}{
		{"Try making some of these remotes available", remotes},
		{"Maybe enable some of these special remotes (git annex initremote ...)", special},
		{"Maybe add some of these git remotes (git remote add ...)", others},
		{"Also these untrusted repositories may contain the file", skipped},
	} {
		if len(l.uuids) > 0 {
			text += l.title + ":\n" + listing(r, l.uuids)
		}
	}
	if text == "" {
		text = none
	}
	o.Notes = append(o.Notes, aside(text)) // git-annex has an empty one, too
	if len(r.ignored) > 0 {
		var names []string
		for _, spec := range r.ignored {
			names = append(names, spec.Name)
		}
		o.Notes = append(o.Notes, long("(Note that these git remotes have annex-ignore set: "+strings.Join(names, " ")+")"))
	}
	return o.With("wanted", r.objects(wanted))
}
