/* A client of Windows that knows of a proxy by its variable alone, for the tests of the relay.
 *
 *   client get HOST PORT PATH       by CONNECT; prints the status and how many bytes came, and how fast
 *   client absolute HOST PORT PATH  by a request to the proxy itself
 *   client socks HOST PORT PATH     by SOCKS 5 with the name resolved by the proxy
 *   client shown HOST PORT PATH     by a request to the proxy itself; prints the whole answer
 *   client many HOST PORT COUNT     so many tunnels at a time, each asks when all are open
 *   client direct ADDRESS PORT PATH without the proxy
 *   client serve PORT OTHER -       a server at both ports of the loopback, until it is asked for /end
 *
 * Exit code: 0 if the server answered 200, 3 if the proxy refused, 4 if it could not be reached. */
#include <winsock2.h>
#include <ws2tcpip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char user[64], password[64], place[64];
static int place_port;

static void fail(int code, const char *what) {
  fprintf(stderr, "client: %s (%d)\n", what, WSAGetLastError());
  exit(code);
}

static SOCKET reach(const char *address, int port) {
  struct sockaddr_in to = {0};
  SOCKET one = socket(AF_INET, SOCK_STREAM, 0);
  to.sin_family = AF_INET;
  to.sin_port = htons((unsigned short)port);
  to.sin_addr.s_addr = inet_addr(address);
  if (one == INVALID_SOCKET || connect(one, (struct sockaddr *)&to, sizeof to) != 0) fail(4, "cannot connect");
  return one;
}

static void put(SOCKET to, const char *bytes, int length) {
  while (length > 0) {
    int sent = send(to, bytes, length, 0);
    if (sent <= 0) fail(4, "cannot send");
    bytes += sent;
    length -= sent;
  }
}

/* Bytes that came with the head of the last answer. */
static int beyond;

/* The status of an answer, of which at least the head is read. */
static int status_of(SOCKET from) {
  char head[8192];
  int length = 0;
  while (length < (int)sizeof head - 1) {
    int more = recv(from, head + length, (int)sizeof head - 1 - length, 0);
    char *end;
    if (more <= 0) fail(4, "no answer");
    length += more;
    head[length] = 0;
    end = strstr(head, "\r\n\r\n");
    if (end) {
      beyond = length - (int)(end + 4 - head);
      return atoi(head + 9);
    }
  }
  fail(4, "a long answer");
  return 0;
}

static void base64(const char *text, char *out) {
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  size_t length = strlen(text), at;
  for (at = 0; at < length; at += 3) {
    unsigned bits = (unsigned char)text[at] << 16;
    if (at + 1 < length) bits |= (unsigned char)text[at + 1] << 8;
    if (at + 2 < length) bits |= (unsigned char)text[at + 2];
    *out++ = letters[bits >> 18];
    *out++ = letters[bits >> 12 & 63];
    *out++ = at + 1 < length ? letters[bits >> 6 & 63] : '=';
    *out++ = at + 2 < length ? letters[bits & 63] : '=';
  }
  *out = 0;
}

static void find_proxy(void) {
  const char *value = getenv("HTTPS_PROXY");
  if (!value || sscanf(value, "http://%63[^:]:%63[^@]@%63[^:]:%d", user, password, place, &place_port) != 4)
    fail(4, "no proxy is named");
}

static int authorization(char *out) {
  char pair[160], encoded[256];
  sprintf(pair, "%s:%s", user, password);
  base64(pair, encoded);
  return sprintf(out, "Proxy-Authorization: Basic %s\r\n", encoded);
}

static SOCKET tunnel(const char *host, int port) {
  char request[1024];
  SOCKET one = reach(place, place_port);
  int length = sprintf(request, "CONNECT %s:%d HTTP/1.1\r\nHost: %s:%d\r\n", host, port, host, port), status;
  length += authorization(request + length);
  length += sprintf(request + length, "\r\n");
  put(one, request, length);
  status = status_of(one);
  if (status != 200) {
    printf("refused %d\n", status);
    exit(3);
  }
  return one;
}

static SOCKET by_socks(const char *host, int port) {
  char out[600], in[600];
  int length = sprintf(out + 3, "%s", user), more;
  SOCKET one = reach(place, place_port);
  put(one, "\5\1\2", 3);
  if (recv(one, in, 2, 0) != 2 || in[1] != 2) fail(4, "no method");
  out[0] = 1;
  out[1] = (char)length;
  memmove(out + 2, user, length);
  more = (int)strlen(password);
  out[2 + length] = (char)more;
  memcpy(out + 3 + length, password, more);
  put(one, out, 3 + length + more);
  if (recv(one, in, 2, 0) != 2 || in[1] != 0) fail(4, "the password is not taken");
  length = (int)strlen(host);
  memcpy(out, "\5\1\0\3", 4);
  out[4] = (char)length;
  memcpy(out + 5, host, length);
  out[5 + length] = (char)(port >> 8);
  out[6 + length] = (char)port;
  put(one, out, 7 + length);
  if (recv(one, in, 10, 0) < 2) fail(4, "no answer");
  if (in[1] != 0) {
    printf("refused %d\n", in[1]);
    exit(3);
  }
  return one;
}

static int ask(SOCKET one, const char *target, const char *host, int proxied) {
  char request[1024];
  int length = sprintf(request, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", target, host);
  if (proxied) length += authorization(request + length);
  length += sprintf(request + length, "\r\n");
  put(one, request, length);
  return status_of(one);
}

static int tell(SOCKET one, int status) {
  static char chunk[65536];
  double bytes = beyond, seconds;
  LARGE_INTEGER began, ended, per;
  int count;
  QueryPerformanceFrequency(&per);
  QueryPerformanceCounter(&began);
  while ((count = recv(one, chunk, sizeof chunk, 0)) > 0) bytes += count;
  QueryPerformanceCounter(&ended);
  seconds = (double)(ended.QuadPart - began.QuadPart) / (double)per.QuadPart;
  printf("status %d, %.0f bytes, %.1f MB/s\n", status, bytes, bytes / 1e6 / (seconds > 0 ? seconds : 1e-6));
  return status == 200 ? 0 : status >= 400 ? 3 : 4;
}

/* Prints an answer as it comes. */
static int show(SOCKET one) {
  char chunk[4096];
  int count, status = 0;
  while ((count = recv(one, chunk, sizeof chunk - 1, 0)) > 0) {
    chunk[count] = 0;
    if (status == 0) status = atoi(chunk + 9);
    fputs(chunk, stdout);
  }
  return status == 200 ? 0 : status >= 400 ? 3 : 4;
}

static SOCKET listen_at(int port) {
  struct sockaddr_in at = {0};
  SOCKET one = socket(AF_INET, SOCK_STREAM, 0);
  at.sin_family = AF_INET;
  at.sin_port = htons((unsigned short)port);
  at.sin_addr.s_addr = inet_addr("127.0.0.1");
  if (one == INVALID_SOCKET || bind(one, (struct sockaddr *)&at, sizeof at) != 0 || listen(one, 64) != 0)
    fail(4, "cannot listen");
  return one;
}

/* Answers with the port that was asked at. */
static int serve(const int *ports) {
  SOCKET listeners[2];
  fd_set ready;
  int at;
  for (at = 0; at < 2; at++) listeners[at] = listen_at(ports[at]);
  printf("serving\n");
  fflush(stdout);
  for (;;) {
    FD_ZERO(&ready);
    for (at = 0; at < 2; at++) FD_SET(listeners[at], &ready);
    if (select(0, &ready, NULL, NULL, NULL) <= 0) fail(4, "cannot wait");
    for (at = 0; at < 2; at++) {
      char request[4096], answer[200];
      SOCKET one;
      int length;
      if (!FD_ISSET(listeners[at], &ready)) continue;
      one = accept(listeners[at], NULL, NULL);
      length = recv(one, request, sizeof request - 1, 0);
      request[length > 0 ? length : 0] = 0;
      put(one, answer, sprintf(answer, "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\ninside at %d\n", ports[at]));
      shutdown(one, SD_SEND);
      while (recv(one, answer, sizeof answer, 0) > 0) continue;
      closesocket(one);
      if (strncmp(request, "GET /end ", 9) == 0) return 0;
    }
  }
}

int main(int count, char **words) {
  WSADATA data;
  char target[600], host[300];
  int port, at, many;
  if (WSAStartup(MAKEWORD(2, 2), &data) != 0) fail(4, "no sockets");
  if (count != 5) fail(4, "four words are needed");
  port = atoi(words[3]);
  sprintf(host, "%.200s:%d", words[2], port);
  if (strcmp(words[1], "direct") == 0) {
    SOCKET one = reach(words[2], port);
    return tell(one, ask(one, words[4], host, 0));
  }
  if (strcmp(words[1], "serve") == 0) {
    int ports[2] = {atoi(words[2]), port};
    return serve(ports);
  }
  find_proxy();
  if (strcmp(words[1], "get") == 0) {
    SOCKET one = tunnel(words[2], port);
    return tell(one, ask(one, words[4], host, 0));
  }
  if (strcmp(words[1], "socks") == 0) {
    SOCKET one = by_socks(words[2], port);
    return tell(one, ask(one, words[4], host, 0));
  }
  if (strcmp(words[1], "absolute") == 0) {
    SOCKET one = reach(place, place_port);
    sprintf(target, "http://%.250s%.250s", host, words[4]);
    return tell(one, ask(one, target, host, 1));
  }
  if (strcmp(words[1], "shown") == 0) {
    char request[2048];
    int length = sprintf(request, "GET http://%.250s%.250s HTTP/1.1\r\nHost: %.250s\r\nConnection: close\r\n", host, words[4], host);
    SOCKET one = reach(place, place_port);
    length += authorization(request + length);
    length += sprintf(request + length, "\r\n");
    put(one, request, length);
    return show(one);
  }
  many = atoi(words[4]);
  {
    SOCKET *all = calloc((size_t)many, sizeof *all);
    int good = 0;
    ULONGLONG began = GetTickCount64(), open;
    for (at = 0; at < many; at++) all[at] = tunnel(words[2], port);
    open = GetTickCount64();
    for (at = 0; at < many; at++) good += ask(all[at], "/small", host, 0) == 200;
    printf("%d of %d answered, open after %.1f s, all after %.1f s\n", good, many, (double)(open - began) / 1e3,
           (double)(GetTickCount64() - began) / 1e3);
    return good == many ? 0 : 4;
  }
}
