package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const text = "h\u00e9llo \u2603 \U0001f4a9 \U0010ffff"

func octets(length int) []byte {
	made := make([]byte, length)
	for i := range made {
		made[i] = byte(i * 7 % 251)
	}
	return made
}

// What gorilla's client expects of an echo server, which `base` leads to.
func asClient(base string) {
	c := &checks{title: "gorilla client"}
	open := func(dialer websocket.Dialer) *websocket.Conn {
		dialer.HandshakeTimeout = 5 * time.Second
		conn, _, err := dialer.Dial(base+"/echo", nil)
		must(err)
		must(conn.SetReadDeadline(time.Now().Add(9 * time.Second)))
		return conn
	}
	comesBack := func(conn *websocket.Conn, kind int, message []byte) {
		must(conn.WriteMessage(kind, message))
		received(conn, kind, message)
	}
	c.check("text of 0, few and 200 000 octets comes back", func() {
		conn := open(websocket.Dialer{})
		for _, message := range []string{"", text, strings.Repeat("\u2603\u00e9", 40_000)} {
			comesBack(conn, websocket.TextMessage, []byte(message))
		}
		closeNormally(conn)
	})
	c.check("binary of 0, 70 000 octets and 1 MiB comes back", func() {
		conn := open(websocket.Dialer{})
		for _, length := range []int{0, 70_000, 1 << 20} {
			comesBack(conn, websocket.BinaryMessage, octets(length))
		}
		closeNormally(conn)
	})
	c.check("many small fragments come back whole, with a ping between them", func() {
		// Its writer sends a fragment whenever its buffer is full.
		conn := open(websocket.Dialer{WriteBufferSize: 64})
		pong := ""
		conn.SetPongHandler(func(payload string) error { pong = payload; return nil })
		message := octets(20_000)
		writer, err := conn.NextWriter(websocket.BinaryMessage)
		must(err)
		_, err = writer.Write(message[:10_000])
		must(err)
		must(conn.WriteControl(websocket.PingMessage, []byte("between"), time.Now().Add(time.Second)))
		_, err = writer.Write(message[10_000:])
		must(err)
		must(writer.Close())
		received(conn, websocket.BinaryMessage, message)
		same(pong, "between")
		closeNormally(conn)
	})
	c.check("a prepared message comes back from each connection", func() {
		prepared, err := websocket.NewPreparedMessage(websocket.TextMessage, []byte(text))
		must(err)
		for i := 0; i < 3; i++ {
			conn := open(websocket.Dialer{EnableCompression: i == 2})
			must(conn.WritePreparedMessage(prepared))
			received(conn, websocket.TextMessage, []byte(text))
			closeNormally(conn)
		}
	})
	c.check("1000 messages sent at once come back in order", func() {
		conn := open(websocket.Dialer{})
		go func() {
			for i := 0; i < 1000; i++ {
				if conn.WriteMessage(websocket.TextMessage, numbered(i)) != nil {
					return
				}
			}
		}()
		for i := 0; i < 1000; i++ {
			received(conn, websocket.TextMessage, numbered(i))
		}
		closeNormally(conn)
	})
	c.check("the first subprotocol known is selected", func() {
		conn := open(websocket.Dialer{Subprotocols: []string{"unknown", "superchat", "chat"}})
		same(conn.Subprotocol(), "superchat")
		closeNormally(conn)
	})
	c.check("compressed messages come back compressed", func() {
		dialer := websocket.Dialer{EnableCompression: true}
		conn, response, err := dialer.Dial(base+"/echo", nil)
		must(err)
		same(strings.HasPrefix(response.Header.Get("Sec-WebSocket-Extensions"), "permessage-deflate"), true)
		for _, message := range []string{"", text, strings.Repeat(text+" ", 20_000)} {
			comesBack(conn, websocket.TextMessage, []byte(message))
		}
		conn.EnableWriteCompression(false)
		comesBack(conn, websocket.BinaryMessage, octets(70_000))
		closeNormally(conn)
	})
	c.check("close 4001 'bye' comes back, and the end of the stream", func() {
		conn := open(websocket.Dialer{})
		endsWith(conn, 4001, "bye")
		_, err := conn.UnderlyingConn().Read(make([]byte, 1))
		same(fmt.Sprint(err), "EOF")
	})
	c.check("an unmasked frame fails the connection with 1002", func() {
		conn := open(websocket.Dialer{})
		_, err := conn.UnderlyingConn().Write([]byte{0x81, 1, 'a'})
		must(err)
		failsWith(conn, websocket.CloseProtocolError)
	})
	c.check("text that is no UTF-8 fails the connection with 1007", func() {
		conn := open(websocket.Dialer{})
		must(conn.WriteMessage(websocket.TextMessage, []byte{0xc0, 0x80}))
		failsWith(conn, websocket.CloseInvalidFramePayloadData)
	})
	c.check("a foreign Origin is refused with 403", func() {
		_, response, err := websocket.DefaultDialer.Dial(base+"/echo", http.Header{"Origin": {"http://foreign.example"}})
		same(err, websocket.ErrBadHandshake)
		same(response.StatusCode, 403)
	})
	c.finish()
}

func numbered(i int) []byte {
	return bytes.Repeat([]byte(fmt.Sprint(i, " ")), i)
}

func received(conn *websocket.Conn, kind int, message []byte) {
	gotKind, got, err := conn.ReadMessage()
	must(err)
	same(gotKind, kind)
	if !bytes.Equal(got, message) {
		panic(fmt.Sprintf("%d octets instead of %d, or others", len(got), len(message)))
	}
}

func closeNormally(conn *websocket.Conn) { endsWith(conn, websocket.CloseNormalClosure, "") }

func endsWith(conn *websocket.Conn, code int, reason string) {
	// Its own answer to the Close that comes back has nobody to go to.
	conn.SetCloseHandler(func(int, string) error { return nil })
	must(conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second)))
	_, _, err := conn.ReadMessage()
	same(err, &websocket.CloseError{Code: code, Text: reason})
}

func failsWith(conn *websocket.Conn, code int) {
	_, _, err := conn.ReadMessage()
	closed, told := err.(*websocket.CloseError)
	same(told, true)
	same(closed.Code, code)
}
