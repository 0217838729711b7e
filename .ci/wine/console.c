/* A command of Windows that is told of Ctrl-C and Ctrl-Break, for the tests of the console.
 *
 *   console plain           does nothing about it
 *   console handles         ends with 7 once it was told
 *   console lives           says so each time, and goes on
 *   console outer COMMAND   starts the command in its own console, ignores both, and says how the command ended, all 32 bits
 *   console raise-c COMMAND, raise-break COMMAND
 *                           the same in a console that nobody sees, where it raises the event when the command is ready
 *
 * The first three make the file ready.txt when they are ready, and end with 9 after a long while. */
#include <stdio.h>
#include <string.h>
#include <windows.h>

#define NONE 99

static HANDLE told;
static int ends;

static BOOL WINAPI on_event(DWORD kind) {
  if (kind != CTRL_C_EVENT && kind != CTRL_BREAK_EVENT) return FALSE;
  printf("told %s\n", kind == CTRL_C_EVENT ? "c" : "break");
  fflush(stdout);
  if (ends) SetEvent(told);
  return TRUE;
}

static BOOL WINAPI ignore(DWORD kind) { return kind == CTRL_C_EVENT || kind == CTRL_BREAK_EVENT; }

static int inner(const char *mode) {
  FILE *mark;
  told = CreateEventW(NULL, TRUE, FALSE, NULL);
  ends = strcmp(mode, "handles") == 0;
  if (strcmp(mode, "plain") != 0) SetConsoleCtrlHandler(on_event, TRUE);
  printf("ready\n");
  fflush(stdout);
  mark = fopen("ready.txt", "w");
  if (mark) fclose(mark);
  return WaitForSingleObject(told, 1000000) == WAIT_OBJECT_0 ? 7 : 9;
}

/* Starts itself with the rest of the line in another console. */
static int hidden(void) {
  wchar_t line[4096];
  STARTUPINFOW start = {.cb = sizeof start};
  PROCESS_INFORMATION made;
  wcsncpy(line, GetCommandLineW(), 4000);
  line[4000] = 0;
  wcscat(line, L" now");
  start.dwFlags = STARTF_USESTDHANDLES;
  start.hStdInput = GetStdHandle(STD_INPUT_HANDLE);
  start.hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
  start.hStdError = GetStdHandle(STD_ERROR_HANDLE);
  if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, CREATE_NO_WINDOW, NULL, NULL, &start, &made)) return 1;
  WaitForSingleObject(made.hProcess, 2000000);
  return 0;
}

static int outer(DWORD event, wchar_t *line) {
  STARTUPINFOW start = {.cb = sizeof start};
  PROCESS_INFORMATION made;
  DWORD code = 0;
  int tries;
  DeleteFileW(L"ready.txt");
  if (!CreateProcessW(NULL, line, NULL, NULL, TRUE, 0, NULL, NULL, &start, &made)) {
    printf("cannot start it (%lu)\n", GetLastError());
    return 1;
  }
  /* After the start: a child inherits what is ignored by no handler, and not handlers. */
  SetConsoleCtrlHandler(ignore, TRUE);
  if (event != NONE) {
    for (tries = 0; tries < 4000 && GetFileAttributesW(L"ready.txt") == INVALID_FILE_ATTRIBUTES; tries++) Sleep(50);
    Sleep(200);
    if (!GenerateConsoleCtrlEvent(event, 0)) {
      printf("nothing raised (%lu)\n", GetLastError());
      TerminateProcess(made.hProcess, 1);
    }
  }
  WaitForSingleObject(made.hProcess, 1500000);
  GetExitCodeProcess(made.hProcess, &code);
  printf("ended with 0x%08lx\n", code);
  return 0;
}

/* The rest of this program's own line after its first word, as it was quoted. */
static wchar_t *rest(const char *mode) {
  wchar_t wide[20];
  wchar_t *at;
  swprintf(wide, 20, L" %hs ", mode);
  at = wcsstr(GetCommandLineW(), wide);
  return at ? at + wcslen(wide) : NULL;
}

int main(int count, char **words) {
  wchar_t *line, *now;
  if (count < 2) return 2;
  if (count == 2) return inner(words[1]);
  line = rest(words[1]);
  if (!line) return 2;
  if (strcmp(words[1], "outer") == 0) return outer(NONE, line);
  if (strcmp(words[count - 1], "now") != 0) return hidden();
  now = wcsstr(line, L" now");
  if (now) *now = 0;
  return outer(strcmp(words[1], "raise-c") == 0 ? CTRL_C_EVENT : CTRL_BREAK_EVENT, line);
}
