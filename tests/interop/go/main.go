// gorilla client ws://HOST:PORT    gorilla/websocket as client of an echo server
// gorilla server CLIENT...         as server of the client under test, the command CLIENT
package main

import "os"

func main() {
	switch os.Args[1] {
	case "client":
		asClient(os.Args[2])
	case "server":
		asServer(os.Args[2:])
	default:
		os.Exit(2)
	}
}
