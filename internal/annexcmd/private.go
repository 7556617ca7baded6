package annexcmd

import "github.com/stemma-data/stemma/internal/git"

// makePrivate says in git's configuration that nothing about a new remote may
// reach the git-annex branch: before it is set up, as that may record something
// already. It returns what takes that back.
func (s *Session) makePrivate(name, uuid string) (back func(), err error) {
	prefix := "remote." + name + ".annex-"
	err = s.D.Repo.SetConfig(git.Set(prefix+"private", "true"), git.Set(prefix+"uuid", uuid))
	return func() {
		_ = s.D.Repo.SetConfig(git.ConfigEdit{Key: prefix + "private", Remove: true}, git.ConfigEdit{Key: prefix + "uuid", Remove: true})
	}, err
}
