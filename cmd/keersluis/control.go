package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// The control socket lets the other commands ask the running server, which holds the store's lock. It is a Unix socket in
// the data folder, so who may read the folder may use it, and nobody else. It speaks HTTP.
const socketName = "control.sock"

// maxControl bounds a request or an answer over the socket, in bytes.
const maxControl = 16 << 20

// errNotRunning says that no server holds this data folder.
var errNotRunning = errors.New("no running server in this data folder")

// listenControl makes the socket. A socket that a killed server left behind is replaced: the caller holds the folder's lock.
func listenControl(dir string) (net.Listener, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open the data folder: %w", err)
	}
	defer d.Close()
	path := socketPath(d)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on the control socket: %w", err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // by then the short path leads nowhere; serve removes it by its long one
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, fmt.Errorf("protect the control socket: %w", err)
	}
	return l, nil
}

// maxSocketPath is what fits a socket address of every system, in bytes; Linux has room for 107.
const maxSocketPath = 100

// socketPath returns a path to the socket in dir that fits a socket address, however long the folder's own is. It is good
// while dir is open.
func socketPath(dir *os.File) string {
	if path := filepath.Join(dir.Name(), socketName); len(path) <= maxSocketPath {
		return path
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), socketName)
}

// ask sends one request to the running server of the data folder and decodes its answer into out, unless that is nil.
func ask(ctx context.Context, dir, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://control"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: dialControl(dir), DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return errNotRunning
		}
		return fmt.Errorf("ask the running server: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxControl))
	switch {
	case err != nil:
		return fmt.Errorf("read the answer of the running server: %w", err)
	case response.StatusCode == http.StatusConflict:
		return errOtherFiles
	case response.StatusCode != http.StatusOK:
		return errors.New(strings.TrimSpace(string(answer)))
	case out == nil:
		return nil
	}
	return json.Unmarshal(answer, out)
}

func dialControl(dir string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, _, _ string) (net.Conn, error) {
		d, err := os.Open(dir)
		if err != nil {
			return nil, err
		}
		defer d.Close()
		return new(net.Dialer).DialContext(ctx, "unix", socketPath(d))
	}
}

// controlHandler answers the other commands.
func (s *server) controlHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /reload", answer(func(context.Context, struct{}) (any, error) {
		return struct{}{}, s.reload()
	}))
	mux.Handle("POST /explain", answer(func(_ context.Context, q question) (any, error) {
		return s.explain(q)
	}))
	mux.Handle("POST /lists", answer(func(_ context.Context, q listsQuestion) (any, error) {
		return s.lists(q)
	}))
	mux.Handle("POST /totals", answer(func(ctx context.Context, q totalsQuestion) (any, error) {
		return s.totals(ctx, q)
	}))
	mux.Handle("POST /confirm-clock", answer(func(ctx context.Context, _ struct{}) (any, error) {
		return struct{}{}, s.store.ConfirmClock(ctx)
	}))
	return http.MaxBytesHandler(mux, maxControl)
}

// answer makes a handler of a function from a decoded question to something that JSON can hold.
func answer[Q any](f func(context.Context, Q) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q Q
		if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
			http.Error(w, "the question could not be read: "+err.Error(), http.StatusBadRequest)
			return
		}
		out, err := f(r.Context(), q)
		if errors.Is(err, errOtherFiles) {
			http.Error(w, err.Error(), http.StatusConflict)
			return
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // the command is gone: nobody is left to tell
	})
}
