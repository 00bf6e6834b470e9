package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/keersluis/keersluis/audit"
	"github.com/keersluis/keersluis/logging"
)

// totalsQuestion is what log totals asks: a period of local days, both included, and the form of the answer. A day that
// is not given leaves that end open.
type totalsQuestion struct{ From, To, Output, Language string }

func newLog(p *paths) *cobra.Command {
	log := &cobra.Command{
		Use:   "log",
		Short: "read the traffic log, as far as anybody may",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	log.AddCommand(newTotals(p), &cobra.Command{
		Use:   "confirm-clock",
		Short: "say that the server's clock is right after it jumped, so that what is overdue is deleted again",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := load(*p)
			if err != nil {
				return err
			}
			if err := ask(cmd.Context(), s.Data, "/confirm-clock", struct{}{}, nil); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), "the clock is taken to be right")
			return err
		},
	})
	return log
}

func newTotals(p *paths) *cobra.Command {
	var q totalsQuestion
	totals := &cobra.Command{
		Use:   "totals",
		Short: "print requests, bytes and persons per category and verdict, never for fewer than the policy's minimum of persons",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := totalsFor(cmd.Context(), *p, q)
			if err != nil {
				return err
			}
			_, err = io.WriteString(cmd.OutOrStdout(), text)
			return err
		},
	}
	f := totals.Flags()
	f.StringVar(&q.From, "from", "", "first day, 2026-11-01 (default: the oldest there is)")
	f.StringVar(&q.To, "to", "", "last day, 2026-11-30 (default: today)")
	f.StringVar(&q.Output, "output", "text", "text or json")
	f.StringVar(&q.Language, "language", "en", "en or nl")
	return totals
}

// totalsFor asks the running server; without one it opens the log itself.
func totalsFor(ctx context.Context, p paths, q totalsQuestion) (string, error) {
	s, err := load(p)
	if err != nil {
		return "", err
	}
	var text string
	if err = ask(ctx, s.Data, "/totals", q, &text); !errors.Is(err, errNotRunning) {
		return text, err
	}
	lock, err := lockData(s.Data)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	store, err := logging.Open(filepath.Join(s.Data, "log"), s.logOptions(zap.NewNop()))
	if err != nil {
		return "", fmt.Errorf("open the traffic log: %w", err)
	}
	running, stop := context.WithCancel(ctx)
	var run part
	run.start(func() error { return store.Run(running) }, nil)
	found, err := s.totals(ctx, store, q)
	stop()
	return found, errors.Join(err, run.wait())
}

// totals answers q from an open store.
func (s *settings) totals(ctx context.Context, store *logging.Store, q totalsQuestion) (string, error) {
	from, to, err := period(store, q)
	if err != nil {
		return "", err
	}
	report, err := audit.Totals(ctx, store, from, to, s.policy.Logging.MinimumGroup)
	if errors.Is(err, logging.ErrExpired) {
		return "", fmt.Errorf("%s is past its retention and gone; begin later with --from", from)
	}
	if err != nil {
		return "", err
	}
	var text strings.Builder
	switch q.Output {
	case "json":
		err = report.JSON(&text)
	case "text":
		err = report.Text(&text, audit.Language(q.Language))
	default:
		err = fmt.Errorf("--output: %q is neither text nor json", q.Output)
	}
	return text.String(), err
}

// totals answers q from the running store.
func (s *server) totals(ctx context.Context, q totalsQuestion) (string, error) {
	return s.in.Load().totals(ctx, s.store, q)
}

func period(store *logging.Store, q totalsQuestion) (from, to logging.Day, err error) {
	to = logging.DayOf(time.Now(), amsterdam())
	from = to
	if stats := store.Stats(); stats.Days > 0 {
		from = min(from, stats.Oldest)
	}
	if q.From != "" {
		if from, err = logging.ParseDay(q.From); err != nil {
			return 0, 0, fmt.Errorf("--from: %q is not a day, such as 2026-11-21", q.From)
		}
	}
	if q.To != "" {
		if to, err = logging.ParseDay(q.To); err != nil {
			return 0, 0, fmt.Errorf("--to: %q is not a day, such as 2026-11-21", q.To)
		}
	}
	if from > to {
		return 0, 0, fmt.Errorf("the period %s to %s ends before it begins", from, to)
	}
	return from, to, nil
}
