//! Compilers, build systems, debuggers and databases in the default policy.
#![cfg(target_os = "linux")]

use garth_tests::{everyone, has};

const MAIN_C: &str = "#include <stdio.h>
#include <pthread.h>
#include \"part.h\"
static void *work(void *at) { *(int *)at = part(20); return 0; }
int main(void) { pthread_t t; int n = 0; pthread_create(&t, 0, work, &n); pthread_join(t, 0); printf(\"%d\\n\", n); return 0; }
";

#[test]
fn make_and_gcc() {
    if !has("gcc", "gcc") || !has("make", "make") {
        return;
    }
    everyone(|garden| {
        garden.write("main.c", MAIN_C);
        garden.write("part.h", "int part(int);\n");
        garden.write("part.c", "#include \"part.h\"\nint part(int n) { return n + 1; }\n");
        garden.write(
            "Makefile",
            "CFLAGS = -O2 -g -Wall -pipe\nall: app libpart.so libpart.a\n\
             app: main.o part.o\n\t$(CC) -o $@ $^ -lpthread\n\
             libpart.so: part.c\n\t$(CC) -shared -fPIC -o $@ $<\nlibpart.a: part.o\n\tar rcs $@ $<\n\
             %.o: %.c part.h\n\t$(CC) $(CFLAGS) -c -o $@ $<\nclean:\n\trm -f app *.o *.so *.a\n",
        );
        let run = garden.inside(&["make", "-j4"]).ok();
        assert_eq!(run.errors(), "", "{run}");
        assert_eq!(garden.outside(&["./app"]).ok().text(), "21");
        assert_eq!(garden.mode("app"), 0o755);
        assert!(garden.inside(&["make", "-j4"]).ok().text().contains("Nothing to be done"));
        let _ = garden.script("touch part.h; make -q && exit 1; make; ./app; LD_LIBRARY_PATH=. ldd app >/dev/null; strip app; ./app").ok();
        let _ = garden.inside(&["make", "clean"]).ok();
        assert!(!garden.has("app") && garden.has("main.c"));
    });
}

#[test]
fn cmake_and_ninja() {
    if !has("cmake", "cmake") || !has("ninja", "ninja-build") || !has("gcc", "gcc") {
        return;
    }
    everyone(|garden| {
        garden.write("main.c", "#include <stdio.h>\nint main(void) { puts(\"built\"); return 0; }\n");
        garden.write(
            "CMakeLists.txt",
            "cmake_minimum_required(VERSION 3.13)\nproject(app C)\nadd_executable(app main.c)\n\
             install(TARGETS app DESTINATION bin)\nenable_testing()\nadd_test(NAME runs COMMAND app)\n\
             add_custom_command(TARGET app POST_BUILD COMMAND ${CMAKE_COMMAND} -E create_symlink app link)\n",
        );
        let run = garden.script(
            "cmake -G Ninja -S . -B build -DCMAKE_INSTALL_PREFIX=$PWD/out >/dev/null; cmake --build build
             ctest --test-dir build; cmake --install build; ninja -C build -t clean; cmake --build build >/dev/null
             cmake -S . -B classic >/dev/null; make -C classic -j2 >/dev/null; classic/app",
        );
        let run = run.ok();
        assert_eq!(run.errors(), "", "{run}");
        assert!(run.text().contains("100% tests passed"), "{run}");
        assert_eq!(garden.outside(&["out/bin/app"]).ok().text(), "built");
        assert!(garden.work.join("build/link").is_symlink());
    });
}

#[test]
fn debuggers() {
    if !has("gdb", "gdb") || !has("strace", "strace") || !has("gcc", "gcc") {
        return;
    }
    everyone(|garden| {
        garden
            .write("d.c", "int half(int n) {\n  return n / 2;\n}\nint main(void) {\n  return half(14);\n}\n");
        let run = garden.script(
            "gcc -g -O0 -o d d.c; export HOME=$PWD
             gdb -q -nx -batch -ex 'break half' -ex run -ex 'print n' -ex finish -ex continue ./d 2>&1
             strace -f -o trace -e trace=openat,execve sh -c true; grep -q execve trace
             sleep 30 & strace -p $! -o attached & sleep 0.5; kill %1; wait %2 || true; grep -q SIGTERM attached",
        );
        assert!(run.status.success(), "{run}");
        assert!(run.text().contains("$1 = 14") && run.text().contains("exited with code 07"), "{run}");
        assert!(!run.text().contains("not permitted"), "{run}");
    });
}

#[test]
fn java_with_jars() {
    if !has("javac", "default-jdk-headless") {
        return;
    }
    everyone(|garden| {
        garden.write(
            "src/app/Main.java",
            "package app;\nimport java.nio.file.*;\nimport java.util.stream.*;\npublic class Main {\n  public static void main(String[] a) throws Exception {\n\
             Path p = Files.createTempFile(\"x\", \".t\"); Files.writeString(p, \"t\"); Files.delete(p);\n\
             Process q = new ProcessBuilder(\"echo\", \"child\").start(); System.out.println(new String(q.getInputStream().readAllBytes()).trim());\n\
             System.out.println(IntStream.range(0, 1000).parallel().sum());\n  }\n}\n",
        );
        let run = garden.script(
            "javac -d out src/app/Main.java; jar --create --file app.jar --main-class app.Main -C out .
             java -jar app.jar; java -Xshare:auto -XX:+UseG1GC -cp out app.Main; jps >/dev/null",
        );
        let run = run.ok();
        assert_eq!(run.text(), "child\n499500\nchild\n499500", "{run}");
        assert_eq!(run.errors(), "", "{run}");
        assert!(garden.has("app.jar"));
    });
}

/// Maven, with the packages of Debian as its repository in the home.
#[test]
fn maven_offline() {
    if !has("mvn", "maven") {
        return;
    }
    everyone(|garden| {
        garden.write(
            "pom.xml",
            "<project><modelVersion>4.0.0</modelVersion>\
             <groupId>g</groupId><artifactId>a</artifactId><version>1</version><packaging>pom</packaging></project>\n",
        );
        let repository = format!("-Dmaven.repo.local={}", garden.home.join(".m2/repository").display());
        let run = garden.inside(&["mvn", "-B", "-o", &repository, "validate"]).ok();
        assert!(run.text().contains("BUILD SUCCESS"), "{run}");
        assert!(garden.inside(&["mvn", "-v"]).ok().text().contains("Apache Maven"));
    });
}

#[test]
fn go_modules() {
    if !has("go", "golang-go") {
        return;
    }
    everyone(|garden| {
        garden.write("go.mod", "module example.com/app\n\ngo 1.18\n");
        garden.write("main.go", "package main\n\nimport (\n\t\"fmt\"\n\t\"example.com/app/part\"\n)\n\nfunc main() { fmt.Println(part.Twice(21)) }\n");
        garden.write("part/part.go", "package part\n\nfunc Twice(n int) int { return n * 2 }\n");
        garden.write(
            "part/part_test.go",
            "package part\n\nimport \"testing\"\n\nfunc TestTwice(t *testing.T) {\n\tt.TempDir()\n\tif Twice(2) != 4 {\n\t\tt.Fatal()\n\t}\n}\n",
        );
        let run = garden.script("go build -o app .; go vet ./...; go test ./...; ./app; gofmt -l . 2>/dev/null || true; go env GOCACHE").ok();
        assert!(run.text().contains("ok") && run.text().contains("42"), "{run}");
        assert_eq!(garden.outside(&["./app"]).ok().text(), "42");
    });
}

#[test]
fn sqlite() {
    if !has("sqlite3", "sqlite3") {
        return;
    }
    everyone(|garden| {
        let run = garden.script(
            "sqlite3 a.db 'pragma journal_mode=wal; create table t(a); insert into t values (1),(2); select sum(a) from t'
             sqlite3 a.db .dump >dump.sql; sqlite3 b.db <dump.sql; sqlite3 b.db 'vacuum; pragma integrity_check'
             for i in 1 2 3 4; do sqlite3 -cmd '.timeout 20000' a.db \"insert into t values ($i)\" & done; wait
             sqlite3 a.db 'select count(*) from t; pragma journal_mode=delete' | head -1",
        );
        assert_eq!(run.ok().text(), "wal\n3\nok\n6");
        assert_eq!(garden.outside(&["sqlite3", "a.db", "select count(*) from t"]).ok().text(), "6");
    });
}
