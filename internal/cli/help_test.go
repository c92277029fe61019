package cli

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// The help of every command fits 100 columns and shows nothing that only Go
// programmers read.
func TestHelpIsPlain(t *testing.T) {
	t.Setenv("COLUMNS", "100")
	words := regexp.MustCompile(`true\|false|stringArray|\w+Slice|default \[`)
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		var out bytes.Buffer
		cmd.SetOut(&out)
		cmd.InitDefaultHelpFlag()
		if err := cmd.Help(); err != nil {
			t.Fatal(err)
		}
		flags := strings.SplitN(out.String(), "Flags:\n", 2)
		if len(flags) != 2 {
			t.Fatalf("%s has no list of flags:\n%s", cmd.CommandPath(), out.String())
		}
		if w := words.FindString(flags[1]); w != "" {
			t.Errorf("%s: %q", cmd.CommandPath(), w)
		}
		for line := range strings.SplitSeq(flags[1], "\n") {
			if utf8.RuneCountInString(line) > 100 {
				t.Errorf("%s: %s", cmd.CommandPath(), line)
			}
		}
		for _, c := range cmd.Commands() {
			if c.Name() != "completion" { // cobra's own
				walk(c)
			}
		}
	}
	walk(newRootCommand())
}
