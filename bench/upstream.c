/* A provider with canned answers, on one epoll loop: it is never what is measured.
 *
 * upstream PORT [LATENCY_US [INTERVAL_US [CHUNKS]]]
 *
 * Speaks GigaChat's wire, OpenAI's (the same answer serves both) and YandexGPT's, plain and streamed, and
 * gives out tokens. GET /set?LATENCY_US,INTERVAL_US,CHUNKS changes the three. Each word of a stream is the
 * monotonic clock in microseconds at which it was sent, so that a reader on this machine knows its lag.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS = 16384, INPUT = 1 << 20, OUTPUT = 65536 };
enum wire { OPENAI, SECOND, YANDEX }; /* SECOND: GigaChat's second chat form, whole answers alone */

struct connection {
    int is_open, left, seen, is_stream;
    enum wire wire;
    unsigned life;        /* counts the users of this descriptor: a late event of an earlier one is void */
    size_t received, text;
    char *input, *words;  /* words: YandexGPT repeats all of them in each event */
};
struct due { uint64_t at_us; int fd; unsigned life; };
struct queue { struct due *items; size_t first, size, room; };

static struct connection all[CONNECTIONS];
static struct queue answers, chunks; /* each in the order of time: all its waits are of one length */
static uint64_t latency_us, interval_us = 50000;
static int chunk_count = 100;
static char output[OUTPUT];

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void push(struct queue *q, uint64_t at_us, int fd) {
    if (q->first + q->size == q->room) {
        size_t room = q->size * 2 + 4096;
        struct due *items = malloc(room * sizeof *items);
        if (q->size) memcpy(items, q->items + q->first, q->size * sizeof *items);
        free(q->items);
        q->items = items, q->room = room, q->first = 0;
    }
    q->items[q->first + q->size++] = (struct due){at_us, fd, all[fd].life};
}

static void hang_up(int fd) {
    close(fd);
    free(all[fd].words);
    all[fd].words = NULL;
    all[fd].is_open = 0;
    all[fd].life++;
}

static void send_all(int fd, const char *data, size_t size) {
    if (send(fd, data, size, MSG_NOSIGNAL) != (ssize_t)size) hang_up(fd); /* the reader is far behind */
}

static void send_whole(int fd, const char *body) {
    send_all(fd, output, snprintf(output, OUTPUT,
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body));
}

static void send_chunk(int fd, const char *body, const char *end) {
    size_t size = strlen(body);
    send_all(fd, output, snprintf(output, OUTPUT, "%zx\r\n%s\r\n%s", size, body, end));
}

#define HEAD "\"id\":\"canned\",\"created\":1795300000,\"model\":\"GigaChat-2-Pro:2.0.28.2\","
#define USAGE "\"usage\":{\"prompt_tokens\":60,\"completion_tokens\":100,\"total_tokens\":160," \
              "\"precached_prompt_tokens\":0}"
#define WORDS "Ответ шлюза на вопрос. Ответ шлюза на вопрос. Ответ шлюза на вопрос. Ответ шлюза на вопрос. "
#define YANDEX_USAGE "\"usage\":{\"inputTextTokens\":\"60\",\"completionTokens\":\"100\",\"totalTokens\":\"160\"}," \
                     "\"modelVersion\":\"23.10.2024\""

static void send_answer(int fd) {
    if (all[fd].wire == YANDEX)
        send_whole(fd, "{\"result\":{\"alternatives\":[{\"message\":{\"role\":\"assistant\",\"text\":\"" WORDS WORDS
                       "\"},\"status\":\"ALTERNATIVE_STATUS_FINAL\"}]," YANDEX_USAGE "}}");
    else if (all[fd].wire == SECOND)
        send_whole(fd, "{\"model\":\"GigaChat-2-Pro:2.0.28.2\",\"created_at\":1795300000,\"finish_reason\":\"stop\","
                       "\"messages\":[{\"role\":\"assistant\",\"content\":[{\"text\":\"" WORDS WORDS "\"}]}],"
                       "\"usage\":{\"input_tokens\":60,\"output_tokens\":100,\"total_tokens\":160}}");
    else
        send_whole(fd, "{" HEAD "\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\","
                       "\"message\":{\"role\":\"assistant\",\"content\":\"" WORDS WORDS "\"}}]," USAGE "}");
}

static void send_next(int fd) {
    static char body[OUTPUT / 2];
    struct connection *c = &all[fd];
    unsigned long long at_us = now_us();
    int is_last = c->left-- == 0;
    if (c->wire == YANDEX) {
        if (!c->words) c->words = malloc(OUTPUT / 4), c->text = 0;
        if (!is_last && c->text < OUTPUT / 4 - 32) c->text += sprintf(c->words + c->text, "%llu ", at_us);
        snprintf(body, sizeof body, "{\"result\":{\"alternatives\":[{\"message\":{\"role\":\"assistant\",\"text\":\"%.*s\"},"
                 "\"status\":\"ALTERNATIVE_STATUS_%s\"}]," YANDEX_USAGE "}}\n", (int)c->text, c->words,
                 is_last ? "FINAL" : "PARTIAL");
    } else if (is_last) {
        snprintf(body, sizeof body, "data: {" HEAD "\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
                 "\"delta\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]," USAGE "}\n\ndata: [DONE]\n\n");
    } else {
        snprintf(body, sizeof body, "data: {" HEAD "\"object\":\"chat.completion.chunk\",\"choices\":[{\"index\":0,"
                 "\"delta\":{%s\"content\":\"%llu \"},\"finish_reason\":null}]}\n\n",
                 c->left == chunk_count - 1 ? "\"role\":\"assistant\"," : "", at_us);
    }
    unsigned life = c->life;
    send_chunk(fd, body, is_last ? "0\r\n\r\n" : "");
    if (!is_last && c->life == life) push(&chunks, at_us + interval_us, fd);
}

static void answer(int fd) {
    struct connection *c = &all[fd];
    if (!c->is_stream) {
        send_answer(fd);
        return;
    }
    unsigned life = c->life;
    c->left = chunk_count;
    c->text = 0;
    send_all(fd, output, snprintf(output, OUTPUT, "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  c->wire == YANDEX ? "application/json" : "text/event-stream"));
    if (c->life == life) send_next(fd);
}

static int wants_stream(const char *body) {
    const char *at = strstr(body, "\"stream\"");
    return at && strncmp(at + 8 + strspn(at + 8, " :"), "true", 4) == 0;
}

/* Answer the request at the beginning of the input; return its length, 0 while it is not whole. */
static size_t take(int fd) {
    struct connection *c = &all[fd];
    char *end = strstr(c->input, "\r\n\r\n");
    if (!end) return 0;
    const char *length = strcasestr(c->input, "\r\ncontent-length:");
    size_t size = end + 4 - c->input + (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
    if (c->received < size) return 0;
    char *line = strchr(c->input, '\r');
    *line = 0;
    int is_chat = strstr(c->input, "ompletion") != NULL;
    const char *set = strstr(c->input, "/set?");
    if (set) {
        unsigned long long latency, interval;
        if (sscanf(set, "/set?%llu,%llu,%d", &latency, &interval, &chunk_count) == 3)
            latency_us = latency, interval_us = interval;
        send_whole(fd, "{}");
    } else if (strstr(c->input, "/oauth") || strstr(c->input, "/tokens ")) {
        send_whole(fd, "{\"access_token\":\"canned\",\"expires_at\":4102444800000}");
    } else if (!is_chat) {
        send_whole(fd, "{\"object\":\"list\",\"data\":[{\"id\":\"GigaChat-2-Pro\",\"object\":\"model\",\"owned_by\":\"canned\"}]}");
    } else {
        c->wire = strstr(c->input, "foundationModels") ? YANDEX : strstr(c->input, "/v2/") ? SECOND : OPENAI;
        char last = c->input[size];
        c->input[size] = 0;
        c->is_stream = c->wire != SECOND && wants_stream(end);
        c->input[size] = last;
        if (latency_us) push(&answers, now_us() + latency_us, fd);
        else answer(fd);
    }
    return size;
}

static void read_from(int fd) {
    struct connection *c = &all[fd];
    ssize_t size = recv(fd, c->input + c->received, INPUT - 1 - c->received, 0);
    if (size <= 0) {
        if (size == 0 || (errno != EAGAIN && errno != EINTR)) hang_up(fd);
        return;
    }
    c->received += size;
    c->input[c->received] = 0;
    unsigned life = c->life;
    for (size_t used; (used = take(fd)) && c->life == life;) {
        memmove(c->input, c->input + used, c->received - used + 1);
        c->received -= used;
    }
}

static void work_off(struct queue *q, void (*act)(int), uint64_t now) {
    while (q->size && q->items[q->first].at_us <= now) {
        struct due next = q->items[q->first++];
        q->size--;
        if (all[next.fd].is_open && all[next.fd].life == next.life) act(next.fd);
    }
}

int main(int count, char **arguments) {
    if (count < 2) return 2;
    if (count > 2) latency_us = strtoull(arguments[2], NULL, 10);
    if (count > 3) interval_us = strtoull(arguments[3], NULL, 10);
    if (count > 4) chunk_count = atoi(arguments[4]);
    struct rlimit files = {CONNECTIONS, CONNECTIONS};
    setrlimit(RLIMIT_NOFILE, &files);
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1, epoll = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[1])),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&at, sizeof at) || listen(listener, 4096)) return perror("upstream"), 1;
    struct epoll_event wanted = {.events = EPOLLIN, .data.fd = listener}, events[512];
    epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &wanted);
    for (;;) {
        uint64_t now = now_us(), next = UINT64_MAX;
        if (answers.size) next = answers.items[answers.first].at_us;
        if (chunks.size && chunks.items[chunks.first].at_us < next) next = chunks.items[chunks.first].at_us;
        int wait_ms = next == UINT64_MAX ? -1 : next <= now ? 0 : (int)((next - now + 999) / 1000);
        int ready = epoll_wait(epoll, events, 512, wait_ms);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd != listener) {
                if (all[fd].is_open) read_from(fd);
                continue;
            }
            fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
            if (fd < 0) continue;
            if (fd >= CONNECTIONS) { close(fd); continue; }
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            if (!all[fd].input) all[fd].input = malloc(INPUT);
            all[fd].received = 0, all[fd].is_open = 1;
            wanted.data.fd = fd;
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted);
        }
        now = now_us();
        work_off(&answers, answer, now);
        work_off(&chunks, send_next, now);
    }
}
