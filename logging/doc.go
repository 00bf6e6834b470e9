// Package logging keeps the traffic log.
package logging
