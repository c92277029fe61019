package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/l2m-lab/l2m/internal/atomicfile"
)

func newManCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "man DIR",
		Short:   "Write manual pages into a folder",
		Long:    "Man writes a manual page for each command into a folder. Files that are there\nalready are replaced only if they are manual pages of l2m.",
		Example: "  l2m man /usr/local/share/man/man1",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one folder to write the manual pages into")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("making the folder for manual pages: %w", err)
			}
			return writePages(cmd.Root(), args[0])
		},
	}
}

// writePages writes the pages of a command and its subcommands.
func writePages(cmd *cobra.Command, dir string) error {
	for _, c := range cmd.Commands() {
		if !c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand() {
			continue
		}
		if err := writePages(c, dir); err != nil {
			return err
		}
	}
	// A fixed date keeps the pages identical between builds.
	date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	header := &doc.GenManHeader{Title: "L2M", Section: "1", Date: &date, Source: "l2m"}
	page := filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1")
	return atomicfile.WriteOutput(page, 0o644, atomicfile.Contains(`.TH "L2M" "1"`), func(w io.Writer) error {
		if err := doc.GenMan(cmd, header, w); err != nil {
			return fmt.Errorf("making the manual page of %s: %w", cmd.CommandPath(), err)
		}
		return nil
	})
}
