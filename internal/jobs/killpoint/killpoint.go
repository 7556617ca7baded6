// Package killpoint names the moments at which tests kill a command.
package killpoint

// Steps is told the name of each moment; nil: nobody is.
type Steps func(name string)

// At says that a moment has come.
func (s Steps) At(name string) {
	if s != nil {
		s(name)
	}
}
