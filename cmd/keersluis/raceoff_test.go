//go:build !race

package main

// raceEnabled says that this test, and so the program under test, was built with -race.
const raceEnabled = false
