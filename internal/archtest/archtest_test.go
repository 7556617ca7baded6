package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/stemma-data/stemma/"

// pkg is what the test needs to know about one directory below internal/.
type pkg struct {
	name    string
	imports []string // of non-test files
	doc     string
	files   []*ast.File
}

func TestImportsFollowTheLayers(t *testing.T) {
	rank := ranks()
	for _, p := range internalPackages(t) {
		mine, known := rank[p.name]
		if !known {
			t.Errorf("internal/%s is in no layer; add it to the table in archtest.go", p.name)
			continue
		}
		for _, imp := range p.imports {
			other, ours := strings.CutPrefix(imp, module+"internal/")
			if ours && !allowed(p.name, other, mine, rank) {
				t.Errorf("internal/%s (%s) imports internal/%s", p.name, layers[mine].name, other)
			}
		}
	}
}

func TestPackagesSayWhatTheyAreFor(t *testing.T) {
	for _, p := range internalPackages(t) {
		base := p.name[strings.LastIndex(p.name, "/")+1:]
		if !strings.HasPrefix(p.doc, "Package "+base+" ") {
			t.Errorf("internal/%s has no package comment that begins \"Package %s …\"", p.name, base)
		}
	}
}

func TestOnlyTheFaceTouchesTheProcess(t *testing.T) {
	for _, p := range internalPackages(t) {
		if slices.Contains(aboveLibrary, p.name) {
			continue
		}
		for _, imp := range p.imports {
			if strings.HasPrefix(imp, "github.com/spf13/") {
				t.Errorf("internal/%s imports %s", p.name, imp)
			}
		}
		for _, use := range processUses(p.files) {
			if slices.Contains(ownProcess[p.name], use) {
				continue
			}
			t.Errorf("internal/%s uses %s; pass the value in, return an error", p.name, use)
		}
	}
}

func TestTheTableNamesNoPackageTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, l := range layers {
		for _, name := range l.packages {
			if seen[name] {
				t.Errorf("%s stands in two layers", name)
			}
			seen[name] = true
		}
	}
	for from, to := range sideways {
		for _, name := range append(slices.Clone(to), from) {
			if !seen[name] {
				t.Errorf("sideways names %s, which is in no layer", name)
			}
		}
	}
}

func TestTheTestCanFail(t *testing.T) {
	rank := ranks()
	if allowed("errs", "git", rank["errs"], rank) || allowed("errs", "proc", rank["errs"], rank) {
		t.Error("an upward or undeclared sideways import is allowed")
	}
	const src = "package x\nimport \"os\"\nfunc f() { os.Exit(1); os.Getenv(\"HOME\") }"
	f, err := parser.ParseFile(token.NewFileSet(), "x.go", src, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := processUses([]*ast.File{f}); len(got) != 2 {
		t.Errorf("uses of the process = %v", got)
	}
}

func ranks() map[string]int {
	rank := map[string]int{"archtest": len(layers) - 1}
	for i, l := range layers {
		for _, name := range l.packages {
			rank[name] = i
		}
	}
	return rank
}

func allowed(from, to string, mine int, rank map[string]int) bool {
	theirs, known := rank[to]
	if !known {
		return false
	}
	return theirs < mine || slices.Contains(sideways[from], to)
}

// processUses finds what only the face may do: end the process, read its
// environment, or write to its standard streams.
func processUses(files []*ast.File) []string {
	forbidden := map[string]bool{
		"os.Exit": true, "os.Getenv": true, "os.LookupEnv": true, "os.Environ": true, "os.Setenv": true,
		"os.Stdout": true, "os.Stderr": true, "os.Stdin": true, "os.Getwd": true, "os.Chdir": true,
		"fmt.Print": true, "fmt.Println": true, "fmt.Printf": true,
		"log.Fatal": true, "log.Fatalf": true, "log.Print": true, "log.Printf": true, "log.Println": true,
	}
	var found []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && forbidden[x.Name+"."+sel.Sel.Name] {
				found = append(found, x.Name+"."+sel.Sel.Name)
			}
			return true
		})
	}
	return found
}

func internalPackages(t *testing.T) []pkg {
	t.Helper()
	root := filepath.Join("..")
	var pkgs []pkg
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == "testdata" {
			return filepath.SkipDir
		}
		if p := load(t, root, path); p != nil {
			pkgs = append(pkgs, *p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

// load parses the non-test Go files of one directory, or returns nil.
func load(t *testing.T, root, dir string) *pkg {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		t.Fatal(err)
	}
	p := &pkg{name: filepath.ToSlash(rel)}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, e.Name()), nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		p.add(f)
	}
	if len(p.files) == 0 {
		return nil
	}
	return p
}

func (p *pkg) add(f *ast.File) {
	p.files = append(p.files, f)
	if f.Doc != nil {
		p.doc = f.Doc.Text()
	}
	for _, imp := range f.Imports {
		p.imports = append(p.imports, strings.Trim(imp.Path.Value, `"`))
	}
}
