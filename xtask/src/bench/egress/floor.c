/* The floor: what a proxy costs that does nothing but CONNECT and splice(2). One thread per connection, both ways by
 * poll(2). It checks nothing, and speaks to IPv4 addresses only. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 20, STACK = 1 << 16 };

struct way {
    int from, to, pipe[2];
    size_t held;
    int ended;
};

/* Moves what there is. 0 when the way has ended, -1 when the connection is broken. */
static int move(struct way *way, short ready_from, short ready_to)
{
    if (!way->held && !way->ended && (ready_from & (POLLIN | POLLHUP | POLLERR))) {
        ssize_t got = splice(way->from, NULL, way->pipe[1], NULL, PIECE, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (got < 0 && errno != EAGAIN)
            return -1;
        if (got == 0) {
            way->ended = 1;
            shutdown(way->to, SHUT_WR);
        }
        if (got > 0) {
            way->held = got;
            ready_to |= POLLOUT;
        }
    }
    if (way->held && (ready_to & (POLLOUT | POLLHUP | POLLERR))) {
        ssize_t put = splice(way->pipe[0], NULL, way->to, NULL, way->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (put < 0 && errno != EAGAIN)
            return -1;
        if (put > 0)
            way->held -= put;
    }
    return 1;
}

static void relay(int client, int server)
{
    struct way up = { client, server, { -1, -1 }, 0, 0 }, down = { server, client, { -1, -1 }, 0, 0 };
    if (pipe2(up.pipe, O_NONBLOCK | O_CLOEXEC) || pipe2(down.pipe, O_NONBLOCK | O_CLOEXEC))
        goto end;
    fcntl(up.pipe[0], F_SETPIPE_SZ, PIECE);
    fcntl(down.pipe[0], F_SETPIPE_SZ, PIECE);
    while (!(up.ended && down.ended && !up.held && !down.held)) {
        struct pollfd fds[2] = { { client, 0, 0 }, { server, 0, 0 } };
        if (!up.held && !up.ended)
            fds[0].events |= POLLIN;
        if (!down.held && !down.ended)
            fds[1].events |= POLLIN;
        if (down.held)
            fds[0].events |= POLLOUT;
        if (up.held)
            fds[1].events |= POLLOUT;
        if (poll(fds, 2, -1) < 0)
            break;
        if (move(&up, fds[0].revents, fds[1].revents) < 0 || move(&down, fds[1].revents, fds[0].revents) < 0)
            break;
    }
end:
    for (int i = 0; i < 2; i++) {
        if (up.pipe[i] >= 0)
            close(up.pipe[i]);
        if (down.pipe[i] >= 0)
            close(down.pipe[i]);
    }
}

static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument, server = -1, one = 1, got = 0;
    char head[2048], host[64];
    unsigned port;
    struct sockaddr_in to = { .sin_family = AF_INET };
    static const char ok[] = "HTTP/1.1 200 OK\r\n\r\n";

    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    for (;;) {
        ssize_t more = read(client, head + got, sizeof head - 1 - got);
        if (more <= 0)
            goto end;
        got += more;
        head[got] = 0;
        if (strstr(head, "\r\n\r\n"))
            break;
        if (got >= (int)sizeof head - 1)
            goto end;
    }
    if (sscanf(head, "CONNECT %63[0-9.]:%u ", host, &port) != 2 || !inet_aton(host, &to.sin_addr))
        goto end;
    to.sin_port = htons(port);
    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&to, sizeof to))
        goto end;
    setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (write(client, ok, sizeof ok - 1) == sizeof ok - 1)
        relay(client, server);
end:
    if (server >= 0)
        close(server);
    close(client);
    return NULL;
}

int main(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof at;
    pthread_attr_t attributes;

    signal(SIGPIPE, SIG_IGN);
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 1024)
        || getsockname(listener, (struct sockaddr *)&at, &length))
        return 1;
    printf("127.0.0.1:%u\n", ntohs(at.sin_port));
    fflush(stdout);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, STACK);
    for (;;) {
        pthread_t thread;
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0)
            continue;
        if (pthread_create(&thread, &attributes, serve, (void *)(intptr_t)client))
            close(client);
    }
}
