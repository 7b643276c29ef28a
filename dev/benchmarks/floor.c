/* The least that a client must do: ask every question over kept connections, read each answer, and discard it.

   floor SOCKET CONNECTIONS < PATHS
*/
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct line { int fd, asks; char *data; size_t size, room; };
static char **paths;
static int count, next, answered;

static void fail(const char *what) { perror(what); exit(1); }

static void ask(struct line *l)
{
    char text[4096];
    if (next >= count) { l->asks = 0; return; }
    int size = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", paths[next++]);
    if (write(l->fd, text, size) != size) fail("write");
    l->size = 0;
    l->asks = 1;
}

static int complete(struct line *l)
{
    l->data[l->size] = 0;
    char *end = strstr(l->data, "\r\n\r\n");
    if (!end) return 0;
    char *length = strcasestr(l->data, "Content-Length:");
    if (length && length < end) return l->size >= end - l->data + 4 + (size_t)atol(length + 15);
    return !memcmp(l->data + l->size - 5, "0\r\n\r\n", 5);
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    int lines = atoi(argv[2]);
    char text[4096];
    paths = malloc(sizeof *paths * 200000);
    while (count < 200000 && fgets(text, sizeof text, stdin)) {
        text[strcspn(text, "\n")] = 0;
        if (*text) paths[count++] = strdup(text);
    }
    struct line *all = calloc(lines, sizeof *all);
    struct pollfd *polled = calloc(lines, sizeof *polled);
    for (int i = 0; i < lines; i++) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        strncpy(to.sun_path, argv[1], sizeof to.sun_path - 1);
        all[i].fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (connect(all[i].fd, (void *)&to, sizeof to)) fail("connect");
        all[i].data = malloc((all[i].room = 1 << 16) + 1);
        polled[i] = (struct pollfd){all[i].fd, POLLIN, 0};
        ask(&all[i]);
        if (!all[i].asks) polled[i].events = 0;
    }
    while (answered < count) {
        if (poll(polled, lines, -1) < 0) fail("poll");
        for (int i = 0; i < lines; i++) {
            struct line *l = &all[i];
            if (!polled[i].revents) continue;
            if (l->room - l->size < 32768 && !(l->data = realloc(l->data, (l->room *= 2) + 1))) fail("realloc");
            ssize_t size = read(l->fd, l->data + l->size, l->room - l->size);
            if (size <= 0) fail("read");
            l->size += size;
            if (!complete(l)) continue;
            answered++;
            ask(l);
            if (!l->asks) polled[i].events = 0;
        }
    }
    return 0;
}
