package logging_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/keersluis/keersluis/logging"
)

// A store is opened, run beside the doors, given events, and stopped after them.
func Example() {
	dir, err := os.MkdirTemp("", "log")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	now := time.Date(2026, 11, 21, 9, 20, 0, 0, time.UTC)
	store, err := logging.Open(dir, logging.Options{
		Mode: logging.Pseudonymous, Organisation: "gemeente-voorbeeld", Now: func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- store.Run(ctx) }()

	for range 3 {
		store.Record(logging.Event{
			Identity: "j.jansen", Host: "images.example.nl", Category: "news", Outcome: logging.Allowed,
			Door: "http", Device: "managed-pc", Rule: "news.txt:12", Up: 500, Down: 20_000,
		})
	}
	today := logging.DayOf(now, time.UTC)
	err = store.Read(ctx, today, today, func(r logging.Record) error {
		fmt.Println(r.Slot.Format(time.TimeOnly), r.Site, r.Category, r.Outcome, r.Rule, r.Requests, r.Up, r.Down)
		return nil
	})
	stop()
	fmt.Println(err, <-ended)
	// Output:
	// 09:15:00 example.nl news allowed news.txt 3 1500 60000
	// <nil> <nil>
}
