/* Times starts of programs, seen from Windows: each command in turn, so that a busy moment meets them all.
 *
 *   start ROUNDS COMMAND [-- COMMAND]...     prints the median of each in milliseconds, and what the others add to the first
 *
 * A word of a command has no spaces. Ends with 1 when a command does not start, or not always ends with the same code. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

#define MOST 8

static wchar_t lines[MOST][4096];
static double times[MOST][1000];
static DWORD codes[MOST];

static int compare(const void *one, const void *other) {
  double a = *(const double *)one, b = *(const double *)other;
  return (a > b) - (a < b);
}

/* Milliseconds until it has ended; negative if it does not start. */
static double run(const wchar_t *line, DWORD *code) {
  wchar_t copy[4096];
  STARTUPINFOW start = {.cb = sizeof start};
  PROCESS_INFORMATION made;
  LARGE_INTEGER began, ended, per;
  HANDLE null = CreateFileW(L"NUL", GENERIC_READ | GENERIC_WRITE, 3, NULL, OPEN_EXISTING, 0, NULL);
  SetHandleInformation(null, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdInput = start.hStdOutput = start.hStdError = null;
  wcscpy(copy, line);
  QueryPerformanceFrequency(&per);
  QueryPerformanceCounter(&began);
  if (!CreateProcessW(NULL, copy, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &start, &made)) return -1;
  WaitForSingleObject(made.hProcess, INFINITE);
  QueryPerformanceCounter(&ended);
  GetExitCodeProcess(made.hProcess, code);
  CloseHandle(made.hProcess);
  CloseHandle(made.hThread);
  CloseHandle(null);
  return (double)(ended.QuadPart - began.QuadPart) * 1e3 / (double)per.QuadPart;
}

int main(int count, char **words) {
  int rounds, round, all = 1, at;
  if (count < 3 || (rounds = atoi(words[1])) < 1 || rounds > 999) return 2;
  for (at = 2; at < count; at++) {
    wchar_t word[1024];
    if (strcmp(words[at], "--") == 0 && at > 2 && all < MOST) {
      all++;
      continue;
    }
    swprintf(word, 1024, L"%hs ", words[at]);
    wcscat(lines[all - 1], word);
  }
  /* The first round warms what is kept, and is not counted. */
  for (round = 0; round <= rounds; round++) {
    for (at = 0; at < all; at++) {
      DWORD code = 0;
      double took = run(lines[at], &code);
      if (took < 0 || (round > 0 && code != codes[at])) {
        printf("command %d: %s (%lu)\n", at, took < 0 ? "does not start" : "ends with another code", took < 0 ? GetLastError() : code);
        return 1;
      }
      codes[at] = code;
      if (round > 0) times[at][round - 1] = took;
    }
  }
  for (at = 0; at < all; at++) {
    qsort(times[at], (size_t)rounds, sizeof times[at][0], compare);
    printf("median %.1f ms, best %.1f ms, adds %.1f ms, code %lu\n", times[at][rounds / 2], times[at][0],
           times[at][rounds / 2] - times[0][rounds / 2], codes[at]);
  }
  return 0;
}
