/* Changes a workspace in ways that an undo has to find, for the tests of checkpoints. Ends with the number of the step that fails. */
#include <stdio.h>
#include <windows.h>

/* As in fileapi.h of newer headers: times with the one of the last change, which programs can set here. */
typedef struct {
  LARGE_INTEGER created, accessed, modified, changed;
  DWORD attributes;
} Basic;

static int put(const wchar_t *name, const char *text) {
  DWORD written, length = (DWORD)lstrlenA(text);
  HANDLE file = CreateFileW(name, GENERIC_WRITE, 7, NULL, CREATE_ALWAYS, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 0;
  if (!WriteFile(file, text, length, &written, NULL)) return 0;
  CloseHandle(file);
  return 1;
}

/* Another content of the same length, with all times as before. */
static int forge(const wchar_t *name, const char *text) {
  Basic times;
  DWORD written;
  HANDLE file = CreateFileW(name, GENERIC_READ | GENERIC_WRITE, 7, NULL, OPEN_EXISTING, 0, NULL);
  if (file == INVALID_HANDLE_VALUE) return 0;
  if (!GetFileInformationByHandleEx(file, FileBasicInfo, &times, sizeof times)) return 0;
  if (!WriteFile(file, text, (DWORD)lstrlenA(text), &written, NULL)) return 0;
  if (!SetFileInformationByHandle(file, FileBasicInfo, &times, sizeof times)) return 0;
  CloseHandle(file);
  return 1;
}

/* What stands at the end of the long way that the test made: `deep`, then `long...` twice, then `end.txt`. */
static int far_down(void) {
  wchar_t here[MAX_PATH], way[4 * MAX_PATH];
  WIN32_FIND_DATAW found;
  int at;
  GetCurrentDirectoryW(MAX_PATH, here);
  swprintf(way, 4 * MAX_PATH, L"\\\\?\\%ls\\deep", here);
  for (at = 0; at < 2; at++) {
    HANDLE list;
    lstrcatW(way, L"\\long*");
    list = FindFirstFileW(way, &found);
    if (list == INVALID_HANDLE_VALUE) return 0;
    FindClose(list);
    way[lstrlenW(way) - 5] = 0;
    lstrcatW(way, found.cFileName);
  }
  lstrcatW(way, L"\\end.txt");
  return put(way, "changed far down");
}

int main(void) {
  if (!put(L"a.txt", "another, longer")) return 1;
  if (!forge(L"forged.txt", "two")) return 2;
  if (!DeleteFileW(L"dir\\sub\\b.txt") || !RemoveDirectoryW(L"dir\\sub")) return 3;
  if (!CreateDirectoryW(L"made", NULL) || !put(L"made\\new.txt", "new")) return 4;
  if (!SetFileAttributesW(L"locked.txt", FILE_ATTRIBUTE_NORMAL) || !DeleteFileW(L"locked.txt")) return 5;
  if (!MoveFileW(L"Case.txt", L"case.txt")) return 6;
  if (!far_down()) return 7;
  if (!SetFileAttributesW(L"plain.txt", FILE_ATTRIBUTE_READONLY)) return 8;
  if (!DeleteFileW(L"turned") || !CreateDirectoryW(L"turned", NULL)) return 9;
  if (!put(L"\x9577\x3044.txt", "x")) return 10;
  printf("changed\n");
  return 0;
}
