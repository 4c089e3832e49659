package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const closedByUs = "closed: code=1000 reason= clean=true by=local"

// What one connection of the client under test came to, seen from both ends.
type talk struct {
	lines    []string
	errors   string
	exitCode int
	request  *http.Request
	protocol string
	end      error
}

func (t *talk) printed(pattern string) {
	for _, line := range t.lines {
		if regexp.MustCompile("^(?:" + pattern + ")$").MatchString(line) {
			return
		}
	}
	panic("no line " + pattern + " in " + strings.Join(t.lines, " | ") + t.errors)
}

func (t *talk) last() string { return t.lines[len(t.lines)-1] }

// Lets the client `command` talk to a server that goes on with `serve`, and reads to the end. Without
// `serve` it echoes.
func talkTo(command, options []string, input string, upgrader websocket.Upgrader, serve func(*websocket.Conn)) *talk {
	t := &talk{}
	ended := make(chan struct{})
	upgrader.CheckOrigin = func(*http.Request) bool { return true }
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		t.request = r
		conn, err := upgrader.Upgrade(w, r, nil)
		if err != nil {
			t.end = err
			return
		}
		defer conn.Close()
		t.protocol = conn.Subprotocol()
		if serve != nil {
			serve(conn)
		}
		for {
			kind, message, err := conn.ReadMessage()
			if err != nil {
				t.end = err
				return
			}
			if serve == nil {
				must(conn.WriteMessage(kind, message))
			}
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	server := &http.Server{Handler: handler}
	go server.Serve(listener)
	defer server.Close()

	limit, cancel := context.WithTimeout(context.Background(), 9*time.Second)
	defer cancel()
	arguments := append(append(command[1:len(command):len(command)], "ws://"+listener.Addr().String()+"/echo"), options...)
	client := exec.CommandContext(limit, command[0], arguments...)
	var output, errors bytes.Buffer
	client.Stdin, client.Stdout, client.Stderr = strings.NewReader(input), &output, &errors
	_ = client.Run()
	select {
	case <-ended:
	case <-limit.Done():
	}
	t.lines = strings.Split(strings.TrimRight(output.String(), "\n"), "\n")
	t.errors = errors.String()
	t.exitCode = client.ProcessState.ExitCode()
	return t
}

// What gorilla's server expects of the client under test.
func asServer(command []string) {
	c := &checks{title: "client against gorilla server"}
	c.check("lines are sent as text, echoes printed, then close 1000", func() {
		t := talkTo(command, nil, "hello\n"+text+"\n", websocket.Upgrader{}, nil)
		t.printed("text: hello")
		t.printed("text: " + text)
		same(t.last(), closedByUs)
		same(t.end, &websocket.CloseError{Code: 1000})
		same(t.exitCode, 0)
	})
	c.check("subprotocols are offered in order, --header and --origin reach the server", func() {
		options := []string{"--subprotocol", "superchat", "--subprotocol", "chat", "--header", "X-Test: one two", "--origin", "http://page.example"}
		t := talkTo(command, options, "", websocket.Upgrader{Subprotocols: []string{"chat"}}, nil)
		same(websocket.Subprotocols(t.request), []string{"superchat", "chat"})
		same(t.protocol, "chat")
		same(t.request.Header.Get("X-Test"), "one two")
		same(t.request.Header.Get("Origin"), "http://page.example")
		same(t.exitCode, 0)
	})
	c.check("binary of 70 000 octets in small fragments arrives, and a ping is answered", func() {
		pong := ""
		t := talkTo(command, nil, "", websocket.Upgrader{WriteBufferSize: 64}, func(conn *websocket.Conn) {
			conn.SetPongHandler(func(payload string) error { pong = payload; return nil })
			writer, err := conn.NextWriter(websocket.BinaryMessage)
			must(err)
			_, err = writer.Write(octets(70_000))
			must(err)
			must(conn.WriteControl(websocket.PingMessage, []byte("p1"), time.Now().Add(time.Second)))
			must(writer.Close())
		})
		t.printed("binary: 70000 octets")
		t.printed("ping p1")
		same(pong, "p1")
		same(t.last(), closedByUs)
		same(t.exitCode, 0)
	})
	c.check("compressed messages go both ways", func() {
		long := strings.Repeat("window block literal ", 1000)
		t := talkTo(command, []string{"--deflate=min_size=0"}, "hello\n"+long+"\n\n", websocket.Upgrader{EnableCompression: true}, nil)
		same(strings.Contains(t.errors, "compressed: server 15 bits without takeover, client 15 bits without takeover"), true)
		same(t.lines, []string{"text: hello", "text: " + long, "text: ", closedByUs})
		same(t.exitCode, 0)
	})
	c.check("the server's close 4001 'bye' is answered and reported", func() {
		t := talkTo(command, nil, "", websocket.Upgrader{}, func(conn *websocket.Conn) {
			must(conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"), time.Now().Add(time.Second)))
		})
		same(t.last(), "closed: code=4001 reason=bye clean=true by=peer")
		same(t.end, &websocket.CloseError{Code: 4001, Text: "bye"})
		same(t.exitCode, 0)
	})
	c.check("a stream that is cut off is reported as 1006", func() {
		t := talkTo(command, []string{"--linger", "9"}, "", websocket.Upgrader{}, func(conn *websocket.Conn) { conn.UnderlyingConn().Close() })
		t.printed("closed: code=1006 .*clean=false.*")
		same(t.exitCode, 1)
	})
	c.finish()
}
