package cli

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// plainFlags leaves out of the list of flags what only programmers know. Columns stay
// straight: what is left out is replaced by as many blanks.
var plainFlags = strings.NewReplacer("[=true|false]", "             ", " stringArray ", " string      ", " float64Slice ", " floats       ")

// showHelp prints the help of a command, as wide as the terminal.
func showHelp(cmd *cobra.Command, _ []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { // lists are shown without their brackets
		if _, list := f.Value.(pflag.SliceValue); list && (f.DefValue != "[]" || f.Value.Type() == "float64Slice") {
			f.DefValue = strings.Trim(f.DefValue, "[]")
		}
	})
	out := cmd.OutOrStdout()
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages |", fmt.Sprintf(".FlagUsagesWrapped %d |", terminalWidth(out))))
	fmt.Fprintf(out, "%s\n\n%s", cmp.Or(cmd.Long, cmd.Short), plainFlags.Replace(cmd.UsageString()))
}
