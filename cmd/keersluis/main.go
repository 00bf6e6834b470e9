// Command keersluis is a forward web proxy with content filtering, a DNS resolver that enforces the same rules, and a
// traffic log that forgets.
//
// This package holds what only a program has: flags, files, signals, wiring and exit status. It decides nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	_ "time/tzdata" // segments are local days, also in a container without zone files

	"github.com/spf13/cobra"
)

// version is set by the linker for a release.
var version = "development"

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program with its arguments, its outputs and its exit status: 0 fine, 1 it did not work, 2 wrong usage.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, prefixed(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return 2
	}
	return 1
}

// usageError is a command line that can't be understood.
type usageError struct{ error }

// prefixed returns the text of err for a terminal. Problems in a file carry their own place and need no prefix.
func prefixed(err error) string {
	if _, ok := errors.AsType[fileProblems](err); ok {
		return err.Error()
	}
	return "keersluis: " + err.Error()
}

// paths are the flags that every command takes.
type paths struct {
	config string // "" reads keersluis.yaml beside nothing: the embedded defaults
	policy string
	data   string // goes before the config's
}

func newRoot() *cobra.Command {
	var p paths
	root := &cobra.Command{
		Use:           "keersluis",
		Short:         "a filtering web proxy and resolver with a log that forgets",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	flags := root.PersistentFlags()
	flags.StringVar(&p.config, "config", "", "the machine's settings, keersluis.yaml (default: built-in settings)")
	flags.StringVar(&p.policy, "policy", "", "the organisation's rules, policy.yaml (default: built-in rules)")
	flags.StringVar(&p.data, "data", "", "the folder for certificates, lists and log (default: below $XDG_STATE_HOME)")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(
		newServe(&p), newCheck(&p), newExplain(&p), newLists(&p), newLog(&p), newHealth(&p), newReload(&p), newUser(),
	)
	return root
}
