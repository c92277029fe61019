package cli

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/l2m-lab/l2m/audit"
	"github.com/l2m-lab/l2m/calibrate"
	"github.com/l2m-lab/l2m/compare"
	"github.com/l2m-lab/l2m/fit"
	"github.com/l2m-lab/l2m/internal/option"
	"github.com/l2m-lab/l2m/lab"
	"github.com/l2m-lab/l2m/measure"
	"github.com/l2m-lab/l2m/twopoint"
)

// other is a value of an option, by the name of its type, that is not its default.
var other = map[string][]string{
	"int": {"7"}, "int64": {"7"}, "uint64": {"7"}, "float64": {"0.25"}, "string": {"two words"}, "size": {"3M"}, "range": {"8:64"},
	"token": {"3"}, "N[:STEP]": {"16:4"}, "type": {"q8_0,f16"}, "list": {"1,3"}, "stringArray": {"a", "it's", "-x"}, "intSlice": {"10,20"},
	"dtype": {"q8_0"}, "tokens": {"8,9"}, "nats": {"0.5,0.25"}, "policy": {"window:64", "sinks:4+60"}, "weights": {"16G"}, "law": {"2,0.5"}, "duration": {"3s"}, "stringSlice": {"a,b"},
	"numbers": {"1e-07,0.003"},
}

// The recorded command sets every option that changes the numbers, of every verb, to
// what it was: parsed again, it gives the same command and the same value.
func TestEveryOptionIsRecorded(t *testing.T) {
	repeats(t, "measure", measure.Declare, func(o measure.Options) string { return o.Command() }, func(o *measure.Options, args []string) { o.Paths = args })
	repeats(t, "plan", measure.DeclarePlan, func(o measure.PlanOptions) string { return o.Command() }, func(o *measure.PlanOptions, args []string) { o.Measure.Paths = args })
	repeats(t, "twopoint", twopoint.Declare, func(o twopoint.Options) string { return o.Command() }, func(o *twopoint.Options, args []string) { o.Paths = args })
	repeats(t, "calibrate", calibrate.Declare, func(o calibrate.Options) string { return o.Command() }, func(o *calibrate.Options, args []string) { o.Processes = args })
	repeats(t, "audit", audit.Declare, func(o audit.Options) string { return o.Command() }, func(o *audit.Options, args []string) { o.Paths = args })
	repeats(t, "fit", fit.Declare, func(o fit.Options) string { return o.Command() }, func(o *fit.Options, args []string) { o.Table = strings.Join(args, " ") })
	repeats(t, "compare", compare.Declare, func(o compare.Options) string { return o.Command() }, func(o *compare.Options, args []string) { o.Runs = args })
	repeats(t, "lab train", lab.Declare, func(o lab.Options) string { return o.Command() }, func(o *lab.Options, args []string) {
		if len(args) > 0 {
			o.Recipe, o.Paths = args[0], args[1:]
		}
	})
}

func repeats[O any](t *testing.T, verb string, declare func(option.Set, *O), command func(O) string, args func(*O, []string)) {
	parse := func(words []string) (O, *pflag.FlagSet) {
		var o O
		s := option.New(verb)
		declare(s, &o)
		if err := s.Parse(words); err != nil {
			t.Fatalf("l2m %s %q: %v", verb, words, err)
		}
		args(&o, s.Args())
		return o, s.FlagSet
	}
	if plain, _ := parse([]string{"a"}); command(plain) != "l2m "+verb+" a" {
		t.Errorf("without options %q", command(plain))
	}
	_, flags := parse(nil)
	flags.VisitAll(func(f *pflag.Flag) {
		name := f.Name
		if _, running := f.Annotations["l2m-running"]; running {
			return
		}
		values := other[f.Value.Type()]
		switch {
		case name == "estimators":
			values = []string{"vclub,block"}
		case f.Value.Type() == "bool":
			values = []string{map[string]string{"true": "false", "false": "true"}[f.DefValue]}
		}
		if values == nil {
			t.Errorf("l2m %s --%s: no value of type %q is known to this test", verb, name, f.Value.Type())
			return
		}
		var words []string
		for _, v := range values {
			words = append(words, "--"+name+"="+v)
		}
		o, set := parse(append(words, "texts"))
		said := command(o)
		if !strings.Contains(said, "--"+name) {
			t.Errorf("l2m %s %q is recorded as %s", verb, words, said)
			return
		}
		again, reset := parse(shellWords(t, said)[1+len(strings.Fields(verb)):])
		if a, b := set.Lookup(name).Value.String(), reset.Lookup(name).Value.String(); a != b || command(again) != said {
			t.Errorf("l2m %s: --%s %s became %s by way of %s", verb, name, a, b, said)
		}
	})
}

// shellWords are the words of a command, as a shell reads them.
func shellWords(t *testing.T, command string) []string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "printf '%s\\0' "+command).Output()
	if err != nil {
		t.Skip("no shell here: ", err)
	}
	return slices.DeleteFunc(strings.Split(string(out), "\x00"), func(w string) bool { return w == "" })
}

// A 0 that is typed is refused, or means something else than not typing it.
func TestZeroIsNotTheDefault(t *testing.T) {
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			switch f.Value.Type() {
			case "bool", "string", "stringArray", "stringSlice", "strings":
				return
			}
			if err := f.Value.Set("0"); err == nil && f.Value.String() == f.DefValue {
				t.Errorf("%s --%s 0 is taken for the default (type %s)", c.CommandPath(), f.Name, f.Value.Type())
			}
		})
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk(newRootCommand())
}
