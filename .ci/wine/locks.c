/* Locks a file as another garth would, says so, and holds it until the file GO is there.
 *
 *   locks FILE GO
 */
#include <stdio.h>
#include <windows.h>

int main(int count, char **words) {
  OVERLAPPED at = {0};
  HANDLE file;
  if (count != 3) return 2;
  file = CreateFileA(words[1], GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                     OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  if (file == INVALID_HANDLE_VALUE) return 3;
  if (!LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK, 0, MAXDWORD, MAXDWORD, &at)) return 4;
  puts("locked");
  fflush(stdout);
  while (GetFileAttributesA(words[2]) == INVALID_FILE_ATTRIBUTES) Sleep(50);
  return 0;
}
