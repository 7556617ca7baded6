package annexcli

// commands lists all commands, in the order of the help text.
func commands() []command {
	var all []command
	for _, group := range [][]command{workCommands(), setupCommands(), queryCommands(), plumbingCommands()} {
		all = append(all, group...)
	}
	return all
}

func workCommands() []command {
	return []command{
		{"add", "PATH ...", "add files to annex", newAdd},
		{"lock", "PATH ...", "undo unlock command", newLock},
		{"unlock", "PATH ...", "unlock files for modification", newUnlock},
		{"edit", "PATH ...", "same as unlock", newUnlock},
		{"get", "PATH ...", "make content of annexed files available", newGet},
		{"drop", "PATH ...", "remove content of files from repository", newDrop},
		{"copy", "PATH ...", "copy content of files to/from another repository", newCopy(false)},
		{"move", "PATH ...", "move content of files to/from another repository", newCopy(true)},
		{"mirror", "PATH ...", "mirror content of files to/from another repository", newMirror},
		{"addurl", "URL ...", "add urls to annex", newAddURL},
		{"rmurl", "FILE URL ...", "record file is not available at url", newRmURL},
		{"sync", "REMOTE ...", "synchronize local repository with remotes", newSync},
		{"export", "TREEISH", "export a tree of files to a special remote", newExport},
		{"import", "PATH ...|BRANCH", "add a tree of files to the repository", newImport},
		{"unannex", "PATH ...", "undo accidental add command", newUnannex},
		{"fsck", "PATH ...", "find and fix problems", newFsck},
		{"fix", "PATH ...", "fix up links to annexed content", newFix},
		{"migrate", "PATH ...", "switch data to different backend", newMigrate},
		{"unused", "", "look for unused file content", newUnused},
		{"dropunused", "NUM|RANGE ...", "drop unused file content", newDropUnused},
		{"addunused", "NUM|RANGE ...", "add back unused files", newAddUnused},
		{"merge", "BRANCH ...", "merge changes from remotes", newMerge},
		{"resolvemerge", "", "resolve merge conflicts", newResolveMerge},
		{"upgrade", "", "upgrade repository", newUpgrade},
	}
}

func setupCommands() []command {
	list := []command{
		{"init", "DESC", "initialize git-annex", newInit},
		{"initremote", "NAME PARAM=VALUE ...", "creates a special (non-git) remote", newInitRemote},
		{"enableremote", "NAME PARAM=VALUE ...", "enables git-annex to use a remote", newEnableRemote},
		{"renameremote", "NAME NAME", "changes name of special remote", newRenameRemote},
		{"describe", "REMOTE DESC", "change description of a repository", newDescribe},
		{"dead", "REPOSITORY ...", "hide a lost repository or key", newDead},
		{"numcopies", "NUMBER", "configure desired number of copies", newCopies("numcopies")},
		{"mincopies", "NUMBER", "configure minimum number of copies", newCopies("mincopies")},
		{"group", "REMOTE DESC", "add a repository to a group", newGroup},
		{"ungroup", "REMOTE DESC", "remove a repository from a group", newUngroup},
		{"wanted", "REMOTE EXPR", "get or set preferred content expression", newExpression(false)},
		{"required", "REMOTE EXPR", "get or set required content expression", newExpression(true)},
		{"groupwanted", "GROUP EXPR", "get or set groupwanted expression", newGroupWanted},
		{"adjust", "", "enter adjusted branch", newAdjust},
		{"reinit", "UUID|DESC", "initialize repository, reusing old UUID", newReinit},
		{"uninit", "", "de-initialize git-annex and clean out repository", newUninit},
		{"config", "", "configuration stored in git-annex branch", newConfig},
	}
	for _, t := range []struct{ name, short string }{
		{"trust", "trust a repository"}, {"untrust", "do not trust a repository"}, {"semitrust", "return repository to default trust level"},
	} {
		list = append(list, command{t.name, "REPOSITORY ...", t.short, newTrust(t.name)})
	}
	return list
}

func queryCommands() []command {
	return []command{
		{"find", "PATH ...", "lists available files", newFind},
		{"findref", "REF", "lists files in a git ref", newFindRef},
		{"whereis", "PATH ...", "lists repositories that have file content", newWhereis},
		{"info", "ITEM ...", "information about an item or the repository", newInfo},
		{"metadata", "PATH ...", "sets or gets metadata of a file", newMetadata},
		{"list", "PATH ...", "show which remotes contain files", newList},
		{"log", "PATH ...", "shows location log", newLog},
		{"status", "PATH ...", "show the working tree status", newStatus},
		{"version", "", "show version info", newVersion},
	}
}

func plumbingCommands() []command {
	return []command{
		{"lookupkey", "FILE ...", "looks up key used for file", newLookupKey},
		{"contentlocation", "KEY ...", "looks up content for a key", newContentLocation},
		{"examinekey", "KEY ...", "prints information from a key", newExamineKey},
		{"calckey", "FILE ...", "calculates key for a file", newCalcKey},
		{"checkpresentkey", "KEY REMOTE", "check if key is present in remote", newCheckPresentKey},
		{"readpresentkey", "KEY UUID", "read records of where key is present", newReadPresentKey},
		{"fromkey", "KEY PATH ...", "adds a file using a specific key", newFromKey},
		{"setkey", "KEY PATH", "sets annexed content for a key", newSetKey},
		{"dropkey", "KEY ...", "drops annexed content for specified keys", newDropKey},
		{"reinject", "SRC DEST", "inject content of file back into annex", newReinject},
		{"registerurl", "KEY URL", "registers an url for a key", newRegisterURL},
		{"unregisterurl", "KEY URL", "unregisters an url for a key", newUnregisterURL},
		{"setpresentkey", "KEY UUID [1|0]", "change records of where key is present", newSetPresentKey},
		{"filter-process", "", "long running git filter process", newFilterProcess},
		{"smudge", "FILE", "git smudge filter", newSmudge},
		{"pre-commit", "PATH ...", "run by git pre-commit hook", newPreCommit},
		{"post-receive", "", "run by git post-receive hook", newPostReceive},
		{"restage", "", "restages unlocked files in the git index", newRestage},
		{"testremote", "REMOTE", "test transfers to/from a remote", newTestRemote},
	}
}
