package annex

import "strings"

// Adjustment is how the files of an adjusted branch differ from those of the
// branch that it was made of.
type Adjustment struct {
	Lock, Unlock, Fix, HideMissing, UnlockPresent bool
}

// AdjustedMessage is that of the commit on top of an adjusted branch.
const AdjustedMessage = "git-annex adjusted branch"

// Name is what stands in the branch's name.
func (a Adjustment) Name() string {
	form := ""
	switch {
	case a.UnlockPresent:
		form = "unlockpresent"
	case a.Unlock:
		form = "unlocked"
	case a.Lock:
		form = "locked"
	case a.Fix:
		form = "fixed"
	}
	if !a.HideMissing {
		return form
	}
	if form == "" {
		return "hidemissing"
	}
	return "hidemissing-" + form
}

// LocksOriginals reports whether unlocked files of the adjusted branch are locked
// on the original one. As with git-annex, what a branch with locked files has
// locked stays so; and a locked file is locked on both.
func (a Adjustment) LocksOriginals() bool { return a.Unlock || a.UnlockPresent || a.Lock }

// BasisRef is where git-annex keeps the commit that an adjusted branch, by its
// short name, stands on.
func BasisRef(adjusted string) string { return "refs/basis/" + adjusted }

// ParseAdjusted takes the name of an adjusted branch apart. One that claims to be
// made of what is no branch for files (git-annex, HEAD) is not adjusted.
func ParseAdjusted(branch string) (original string, a Adjustment, ok bool) {
	rest, ok := strings.CutPrefix(branch, "adjusted/")
	open := strings.LastIndexByte(rest, '(')
	if !ok || open <= 0 || !strings.HasSuffix(rest, ")") {
		return branch, a, false
	}
	if rest[:open] == "git-annex" || rest[:open] == "HEAD" {
		return branch, a, false
	}
	form := rest[open+1 : len(rest)-1]
	if cut, hidden := strings.CutPrefix(form, "hidemissing"); hidden {
		a.HideMissing, form = true, strings.TrimPrefix(cut, "-")
	}
	switch form {
	case "unlocked":
		a.Unlock = true
	case "locked":
		a.Lock = true
	case "fixed":
		a.Fix = true
	case "unlockpresent":
		a.UnlockPresent = true
	case "":
	default:
		return branch, a, false
	}
	return rest[:open], a, true
}
