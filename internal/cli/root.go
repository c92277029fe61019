// Package cli is the command: flags, wiring, progress and exit codes, one file per
// verb.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/l2m-lab/l2m/info"
	"github.com/l2m-lab/l2m/internal/screen"
)

// Exit codes of the command.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// usageError is a mistake in the command line (exit code 2), as opposed to work that
// failed (exit code 1).
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// usagef makes a usageError.
func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// verbs are the constructors of the subcommands, by the headings of the help.
var verbs = []struct {
	heading  string
	commands []func() *cobra.Command
}{
	{"Measure information:", []func() *cobra.Command{newMeasureCommand, newTwoPointCommand, newFitCommand, newPlanCommand, newIngestCommand}},
	{"Judge models:", []func() *cobra.Command{newAuditCommand, newCompareCommand, newModelCommand, newLabCommand}},
	{"Check against known truth:", []func() *cobra.Command{newProcessCommand, newCalibrateCommand}},
	{"Show results:", []func() *cobra.Command{newReportCommand, newServeCommand}},
	{"", []func() *cobra.Command{newVersionCommand, newManCommand}},
}

// Run executes the command line args and returns the exit code: 0 success, 1 failure, 2
// wrong usage, 130 when ctx has ended. It then returns within a second, even if a verb
// is blocked: the process must end.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRootCommand()
	clean := screen.Writer{W: stderr}
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(clean)
	name := root.Name()
	if cmd, _, err := root.Find(args); err == nil {
		name = cmd.CommandPath()
	}
	left := &kept{}
	var err error
	over := within(ctx, grace, func() {
		_, err = root.ExecuteContextC(context.WithValue(ctx, keptKey{}, left))
	})
	var usage usageError
	switch {
	case !over:
		farewell(clean, name+": interrupted"+left.String())
		return exitInterrupted
	case err != nil && ctx.Err() != nil:
		if !errors.Is(err, context.Canceled) { // another error came first
			farewell(clean, name+": "+screen.Lines(err.Error()))
		}
		farewell(clean, name+": interrupted"+left.String())
		return exitInterrupted
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		fmt.Fprintf(clean, "%s: %s\nRun '%s -h' for help.\n", name, screen.Lines(err.Error()), name)
		return exitUsage
	default:
		fmt.Fprintf(clean, "%s: %s\n", name, screen.Lines(err.Error()))
		return exitFailed
	}
}

// goWords matches the Go-specific part of errors in numbers.
var goWords = regexp.MustCompile(`strconv\.\w+: parsing ".*": `)

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "l2m",
		Short: "Measure how information grows with length, and which models keep up",
		Long: `l2m measures how fast the information that the past of a sequence carries
about its future grows with length, says how much memory a model needs to keep
up (the L²M condition, arXiv 2503.04725), and tests whether a given model does.

Exit codes are 0 for success, 1 for failure, 2 for wrong usage and 130 after Ctrl-C.
A process that runs out of memory is ended by a signal (134 or 137 in a shell).`,
		Example:       "  l2m measure books/          # the law of a folder of text, with a report\n  l2m audit config.json       # does this architecture keep enough?",
		Version:       info.BuildVersion().String(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			msg := fmt.Sprintf("unknown command %q", args[0])
			if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
				msg += fmt.Sprintf(" (did you mean %q?)", near[0])
			}
			return usagef("%s", msg)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetHelpFunc(showHelp)
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageError{errors.New(goWords.ReplaceAllString(err.Error(), ""))}
	})
	for _, group := range verbs {
		if group.heading != "" {
			root.AddGroup(&cobra.Group{ID: group.heading, Title: group.heading})
		}
		for _, newCommand := range group.commands {
			cmd := newCommand()
			cmd.GroupID = group.heading
			root.AddCommand(cmd)
		}
	}
	root.InitDefaultCompletionCmd()
	return root
}
