package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/keersluis/keersluis/identity"
)

// maxPassword bounds what is read as a password, in bytes.
const maxPassword = 1024

func newUser() *cobra.Command {
	user := &cobra.Command{
		Use:   "user",
		Short: "prepare entries of users in keersluis.yaml",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	user.AddCommand(&cobra.Command{
		Use:   "hash",
		Short: "read a password and print its hash for password_hash",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			hash, err := identity.HashPassword(password)
			if err != nil {
				return fmt.Errorf("hash the password: %w", err)
			}
			fmt.Fprintln(cmd.OutOrStdout(), hash)
			return nil
		},
	})
	return user
}

// readPassword reads one line, without echo when in is a terminal.
func readPassword(in io.Reader, prompt io.Writer) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(prompt, "Password: ")
		secret, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(prompt)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		return checkPassword(string(secret))
	}
	line, err := bufio.NewReader(io.LimitReader(in, maxPassword+1)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return checkPassword(strings.TrimRight(line, "\r\n"))
}

func checkPassword(s string) (string, error) {
	switch {
	case s == "":
		return "", errors.New("the password is empty: type it, or pipe it in on one line")
	case len(s) > maxPassword:
		return "", fmt.Errorf("the password is longer than %d bytes", maxPassword)
	}
	return s, nil
}
