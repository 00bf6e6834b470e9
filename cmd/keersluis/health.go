package main

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// newHealth asks the running server's /healthz: the container's health check, which has no curl.
func newHealth(p *paths) *cobra.Command {
	return &cobra.Command{
		Use:   "health",
		Short: "ask the running server whether all is well; exit status 1 when not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			where := *p
			where.data = cmp.Or(where.data, ".") // of no concern here: without HOME there would be none
			s, err := load(where)
			if err != nil {
				return err
			}
			body, err := askHealth(cmd, reachable(string(s.Portal.Listen)))
			if body != "" {
				fmt.Fprintln(cmd.OutOrStdout(), body)
			}
			return err
		},
	}
}

func askHealth(cmd *cobra.Command, addr string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(cmd.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("no answer from the portal at %s: is keersluis serve running?", addr)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return "", fmt.Errorf("read the answer of the portal: %w", err)
	}
	text := strings.TrimSpace(string(body))
	if response.StatusCode != http.StatusOK {
		return text, fmt.Errorf("the server says it is not well (%s)", response.Status)
	}
	return text, nil
}

// reachable turns an address that is listened on into one that can be dialled from this machine.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	switch host {
	case "", "0.0.0.0":
		host = "127.0.0.1"
	case "::":
		host = "::1"
	}
	return net.JoinHostPort(host, port)
}
