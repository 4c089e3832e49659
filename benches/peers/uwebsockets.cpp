// An echo server of uWebSockets, in C++, to be measured beside those of this package:
//
//   g++ -std=c++20 -O3 -march=native -flto -DLIBUS_NO_SSL -DUWS_NO_ZLIB -I uWebSockets/src -I uSockets/src \
//       uwebsockets.cpp uSockets/uSockets.a -o uws_echo
//   UWEBSOCKETS=$PWD/uws_echo benches/peers/run.sh echo
//
// where uWebSockets and uSockets (`make` builds the archive) are clones of those repositories of uNetworking's.

#include <cstdlib>
#include <cstring>
#include <string_view>

#include "App.h"

struct Nothing {};

int main(int count, char **arguments) {
  const char *colon = count == 2 ? strrchr(arguments[1], ':') : nullptr;
  if (!colon) return 2;
  uWS::App()
      .ws<Nothing>("/*", {.compression = uWS::DISABLED,
                          .maxPayloadLength = 16 << 20,
                          .idleTimeout = 0,
                          .maxBackpressure = 16 << 20,
                          .message = [](auto *socket, std::string_view message, uWS::OpCode opcode) {
                            socket->send(message, opcode);
                          }})
      .listen("127.0.0.1", atoi(colon + 1), [](auto *listening) {
        if (!listening) exit(1);
      })
      .run();
}
