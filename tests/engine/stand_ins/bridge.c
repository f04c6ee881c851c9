/* Copyright (c) 2026, The fleetops.tetra authors
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What stands in for Windows's programs (curl.exe, gpupdate.exe, ...) and, as a DLL, what the stand-in cmdlets call.
 * It hands the call to the tests' bridge (bridge.py) on loopback and does in the registry what the bridge says.
 *
 * One line each way, words separated by blanks, texts as hexadecimal UTF-16:
 *   here:    CALL REQUEST
 *   bridge:  DUMP KEY | MAKE KEY | SET KEY NAME TYPE DATA | DELV KEY NAME | DELK KEY | RESULT TEXT
 *   here:    K KEY, V NAME TYPE DATA ... END for DUMP; R CODE for the other ones
 * Keys are below HKEY_LOCAL_MACHINE. "-" is an empty text.
 */
#include <winsock2.h>
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

typedef struct { char *data; size_t size, room; } Text;

static void grow(Text *text, size_t more) {
    if (text->size + more + 1 <= text->room) return;
    text->room = (text->size + more + 1) * 2;
    text->data = realloc(text->data, text->room);
}
static void put(Text *text, const char *what) {
    size_t size = strlen(what);
    grow(text, size);
    memcpy(text->data + text->size, what, size + 1);
    text->size += size;
}
static void put_hex(Text *text, const void *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = data;
    if (!size) { put(text, "-"); return; }
    grow(text, size * 2);
    for (size_t at = 0; at < size; at++) {
        text->data[text->size++] = digits[bytes[at] >> 4];
        text->data[text->size++] = digits[bytes[at] & 15];
    }
    text->data[text->size] = 0;
}
static int digit(char letter) { return letter <= '9' ? letter - '0' : letter - 'a' + 10; }
/* The bytes of a word, with two zero bytes behind them. */
static unsigned char *from_hex(const char *word, size_t *size) {
    size_t length = strcmp(word, "-") ? strlen(word) / 2 : 0;
    unsigned char *bytes = calloc(1, length + 2);
    for (size_t at = 0; at < length; at++) bytes[at] = digit(word[2 * at]) << 4 | digit(word[2 * at + 1]);
    *size = length;
    return bytes;
}
static void send_all(SOCKET peer, const Text *text) {
    size_t at = 0;
    while (at < text->size) {
        int sent = send(peer, text->data + at, (int)(text->size - at), 0);
        if (sent <= 0) return;
        at += sent;
    }
}
static int read_line(SOCKET peer, Text *line) {
    char letter;
    line->size = 0;
    grow(line, 1);
    while (recv(peer, &letter, 1, 0) == 1) {
        if (letter == '\n') { line->data[line->size] = 0; return 1; }
        grow(line, 1);
        line->data[line->size++] = letter;
    }
    return 0;
}
static void dump(Text *out, const wchar_t *path) {
    HKEY key;
    LONG code = RegOpenKeyExW(HKEY_LOCAL_MACHINE, path, 0, KEY_READ, &key);
    if (code == ERROR_FILE_NOT_FOUND) return;
    put(out, code ? "D " : "K ");
    put_hex(out, path, wcslen(path) * 2);
    put(out, "\n");
    if (code) return;
    wchar_t name[16400];
    DWORD room = 1 << 21;
    unsigned char *data = malloc(room);
    for (DWORD number = 0;; number++) {
        DWORD letters = 16400, kind = 0, size = room;
        if (RegEnumValueW(key, number, name, &letters, NULL, &kind, data, &size)) break;
        char text[32];
        put(out, "V ");
        put_hex(out, name, letters * 2);
        sprintf(text, " %lu ", (unsigned long)kind);
        put(out, text);
        put_hex(out, data, size);
        put(out, "\n");
    }
    free(data);
    for (DWORD number = 0;; number++) {
        DWORD letters = 16400;
        if (RegEnumKeyExW(key, number, name, &letters, NULL, NULL, NULL, NULL)) break;
        wchar_t *below = malloc((wcslen(path) + letters + 2) * sizeof(wchar_t));
        wcscpy(below, path);
        if (*path) wcscat(below, L"\\");
        wcscat(below, name);
        dump(out, below);
        free(below);
    }
    RegCloseKey(key);
}
static LONG change(char **words) {
    size_t size, length;
    wchar_t *path = (wchar_t *)from_hex(words[1], &size);
    HKEY key;
    if (!strcmp(words[0], "DELK")) return RegDeleteTreeW(HKEY_LOCAL_MACHINE, path);
    LONG code = RegCreateKeyExW(HKEY_LOCAL_MACHINE, path, 0, NULL, 0, KEY_ALL_ACCESS, NULL, &key, NULL);
    if (code) return code;
    if (!strcmp(words[0], "SET")) {
        wchar_t *name = (wchar_t *)from_hex(words[2], &size);
        unsigned char *data = from_hex(words[4], &length);
        code = RegSetValueExW(key, name, 0, (DWORD)strtoul(words[3], NULL, 10), data, (DWORD)length);
    } else if (!strcmp(words[0], "DELV")) {
        code = RegDeleteValueW(key, (wchar_t *)from_hex(words[2], &size));
    }
    RegCloseKey(key);
    return code;
}
/* The bridge's RESULT as zero-terminated UTF-16; NULL where there is no bridge. Never freed: calls are few. */
__declspec(dllexport) wchar_t *tetra_call(const wchar_t *request) {
    WSADATA started;
    char port[16] = "";
    if (!GetEnvironmentVariableA("TETRA_BRIDGE", port, sizeof port) || WSAStartup(MAKEWORD(2, 2), &started)) return NULL;
    SOCKET peer = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {0};
    address.sin_family = AF_INET;
    address.sin_port = htons((unsigned short)atoi(port));
    address.sin_addr.s_addr = inet_addr("127.0.0.1");
    if (connect(peer, (struct sockaddr *)&address, sizeof address)) { closesocket(peer); return NULL; }
    Text line = {0}, out = {0};
    wchar_t *result = NULL;
    put(&out, "CALL ");
    put_hex(&out, request, wcslen(request) * 2);
    put(&out, "\n");
    send_all(peer, &out);
    while (!result && read_line(peer, &line)) {
        char *words[6] = {0};
        int count = 0;
        for (char *word = strtok(line.data, " \r"); word && count < 6; word = strtok(NULL, " \r")) words[count++] = word;
        size_t size;
        if (count < 2) break;
        out.size = 0;
        if (!strcmp(words[0], "RESULT")) {
            result = (wchar_t *)from_hex(words[1], &size);
        } else if (!strcmp(words[0], "DUMP")) {
            dump(&out, (wchar_t *)from_hex(words[1], &size));
            put(&out, "END\n");
            send_all(peer, &out);
        } else {
            char text[32];
            sprintf(text, "R %ld\n", (long)change(words));
            put(&out, text);
            send_all(peer, &out);
        }
    }
    closesocket(peer);
    return result;
}
#ifdef PROGRAM
static void write_out(DWORD handle, const wchar_t *text) {
    char bytes[65536];
    DWORD done;
    int size = WideCharToMultiByte(CP_UTF8, 0, text, -1, bytes, sizeof bytes, NULL, NULL);
    if (size > 1) WriteFile(GetStdHandle(handle), bytes, size - 1, &done, NULL);
}
/* Started without arguments, as the service manager starts sfc.exe, it is a service that runs and does nothing. */
static SERVICE_STATUS_HANDLE service;
static HANDLE stopping;
static void tell(DWORD state) {
    SERVICE_STATUS status = {SERVICE_WIN32_OWN_PROCESS, state, SERVICE_ACCEPT_STOP, 0, 0, 0, 0};
    SetServiceStatus(service, &status);
}
static void WINAPI control(DWORD code) {
    if (code == SERVICE_CONTROL_STOP || code == SERVICE_CONTROL_SHUTDOWN) SetEvent(stopping);
}
static void WINAPI serve(DWORD count, LPWSTR *words) {
    (void)count;
    stopping = CreateEventW(NULL, TRUE, FALSE, NULL);
    service = RegisterServiceCtrlHandlerW(words[0], control);
    tell(SERVICE_RUNNING);
    WaitForSingleObject(stopping, INFINITE);
    tell(SERVICE_STOPPED);
}
static int is_service(void) {
    SERVICE_TABLE_ENTRYW table[] = {{(LPWSTR)L"", serve}, {NULL, NULL}};
    return StartServiceCtrlDispatcherW(table);
}
/* REQUEST: "program", a line feed, the command line. RESULT: exit code, line feed, output, a zero letter U+0001, errors. */
int main(int count, char **arguments) {
    (void)arguments;
    if (count == 1 && is_service()) return 0;
    wchar_t path[4096];
    GetModuleFileNameW(NULL, path, 4096);
    const wchar_t *line = GetCommandLineW();
    wchar_t *request = malloc((wcslen(path) + wcslen(line) + 16) * sizeof(wchar_t));
    wcscpy(request, L"program\n");
    wcscat(request, path);
    wcscat(request, L"\n");
    wcscat(request, line);
    wchar_t *result = tetra_call(request);
    if (!result) return 9009;
    wchar_t *output = wcschr(result, L'\n');
    if (!output) return 9009;
    *output++ = 0;
    wchar_t *errors = wcschr(output, 1);
    if (errors) *errors++ = 0;
    write_out(STD_OUTPUT_HANDLE, output);
    if (errors) write_out(STD_ERROR_HANDLE, errors);
    return _wtoi(result);
}
#endif
