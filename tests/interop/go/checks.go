package main

import (
	"fmt"
	"os"
	"reflect"
	"time"
)

// One line per check. Checks run one after the other, each with a time limit.
type checks struct {
	title          string
	passed, failed int
}

func (c *checks) check(name string, body func()) {
	result := make(chan error, 1)
	go func() {
		defer func() {
			if problem := recover(); problem != nil {
				result <- fmt.Errorf("%v", problem)
			} else {
				result <- nil
			}
		}()
		body()
	}()
	var err error
	select {
	case err = <-result:
	case <-time.After(10 * time.Second):
		err = fmt.Errorf("no result after 10 s")
	}
	if err != nil {
		c.failed++
		fmt.Printf("FAIL  %s: %s: %v\n", c.title, name, err)
	} else {
		c.passed++
		fmt.Printf("ok    %s: %s\n", c.title, name)
	}
}

// Prints the counts and ends the program, with 1 when a check failed.
func (c *checks) finish() {
	fmt.Printf("%s: %d passed, %d failed\n", c.title, c.passed, c.failed)
	if c.failed > 0 || c.passed == 0 {
		os.Exit(1)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func same(actual, expected any) {
	if !reflect.DeepEqual(actual, expected) {
		panic(fmt.Sprintf("%.200q instead of %.200q", fmt.Sprint(actual), fmt.Sprint(expected)))
	}
}
