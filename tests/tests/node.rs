//! Node and npm in the default policy.
#![cfg(target_os = "linux")]

use garth_tests::{Garden, everyone, has, unavailable};

fn installed() -> bool {
    has("node", "nodejs") && has("npm", "npm")
}

/// A package that others install from its tarball, with a program and an install script.
fn tarball(garden: &Garden) {
    garden.write(
        "dep/package.json",
        r#"{"name": "dep", "version": "1.2.3", "bin": {"dep": "bin.js"}, "main": "index.js"}"#,
    );
    garden.write("dep/index.js", "module.exports = (n) => n * 2;\n");
    garden.write("dep/bin.js", "#!/usr/bin/env node\nconsole.log('dep', require('./index')(21));\n");
    garden.write("made.js", "require('fs').writeFileSync('made.txt', 'made');\n");
    let _ = garden.prepare("cd dep; npm pack --silent --pack-destination .. >/dev/null; cd ..; rm -rf dep");
    garden.write(
        "package.json",
        r#"{"name": "app", "version": "1.0.0", "private": true,
            "scripts": {"postinstall": "node made.js", "start": "node app.js", "pretest": "echo before", "test": "node --test test", "dep": "dep"}}"#,
    );
    garden.write("app.js", "console.log(require('dep')(4));\n");
}

#[test]
fn install_from_a_tarball_and_run_scripts() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        tarball(garden);
        garden.write(
            "test/a.test.js",
            "const t = require('node:test'), fs = require('fs'), os = require('os'), path = require('path');
             t('temp', () => { const d = fs.mkdtempSync(path.join(os.tmpdir(), 'a-')); fs.writeFileSync(d + '/x', 'x'); fs.rmSync(d, {recursive: true}); });
             t('dep', () => { require('assert').strictEqual(require('dep')(2), 4); });\n",
        );
        let run = garden
            .inside(&["npm", "install", "--offline", "--no-audit", "--no-fund", "./dep-1.2.3.tgz"])
            .ok();
        assert!(!run.errors().contains("npm warn"), "{run}");
        assert!(garden.read("package.json").contains("dep-1.2.3.tgz"));
        assert!(garden.has("package-lock.json"));
        assert!(garden.inside(&["npm", "start", "--silent"]).ok().text().ends_with('8'));
        assert_eq!(garden.inside(&["npm", "run", "--silent", "dep"]).ok().text(), "dep 42");
        assert_eq!(garden.inside(&["npx", "--offline", "dep"]).ok().text(), "dep 42");
        let run = garden.inside(&["npm", "test"]).ok();
        assert!(run.text().contains("pass 2"), "{run}");
        let _ = garden.script("rm -rf node_modules; npm ci --offline --no-audit --no-fund; npm ls; npm cache verify >/dev/null").ok();
        assert_eq!(garden.read("made.txt"), "made");
        assert_eq!(garden.outside(&["node", "app.js"]).ok().text(), "8");
        let _ = garden.script("npm uninstall --no-audit --no-fund dep; test ! -e node_modules/dep").ok();
    });
}

/// Workers, children, pipes, watching, sockets on the loopback of the sandbox and in the workspace.
#[test]
fn what_programs_for_node_use() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        garden.write(
            "all.mjs",
            r"
import { Worker } from 'node:worker_threads';
import { spawn, fork, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs'; import net from 'node:net'; import http from 'node:http'; import os from 'node:os';
import cluster from 'node:cluster';
if (process.argv[2] === 'child') { process.on('message', (m) => { process.send(m + 1, () => process.disconnect()); }); }
else {
const done = [];
const worker = new Worker('require(`worker_threads`).parentPort.postMessage(7)', { eval: true });
done.push('worker ' + (await once(worker, 'message'))[0]);
done.push('exec ' + execFileSync('sh', ['-c', 'echo hello']).toString().trim());
const cat = spawn('cat'); cat.stdin.end('piped'); done.push('spawn ' + (await once(cat.stdout, 'data'))[0]);
const child = fork('all.mjs', ['child']); child.send(1); done.push('fork ' + (await once(child, 'message'))[0]);
const watcher = fs.watch('.'); setTimeout(() => fs.writeFileSync('watched', 'x'), 50);
for (;;) { const [, name] = await once(watcher, 'change'); if (name === 'watched') break; }
watcher.close(); done.push('watch');
const server = http.createServer((q, r) => r.end('served')).listen(0, '127.0.0.1'); await once(server, 'listening');
done.push('http ' + await (await fetch(`http://127.0.0.1:${server.address().port}/`)).text()); server.close();
const six = net.createServer((s) => s.end('six')).listen(0, 'localhost'); await once(six, 'listening');
const c6 = net.connect(six.address().port, 'localhost'); done.push('localhost ' + (await once(c6, 'data'))[0]); six.close();
const unix = net.createServer((s) => s.end('unix')).listen('work.sock'); await once(unix, 'listening');
const cu = net.connect('work.sock'); done.push('socket ' + (await once(cu, 'data'))[0]); unix.close();
const tmp = net.createServer((s) => s.end('tmp')).listen(os.tmpdir() + '/t.sock'); await once(tmp, 'listening');
const ct = net.connect(os.tmpdir() + '/t.sock'); done.push('tmp ' + (await once(ct, 'data'))[0]); tmp.close();
fs.cpSync('tree', 'copy', { recursive: true }); fs.renameSync('copy', 'moved'); fs.rmSync('moved', { recursive: true });
fs.symlinkSync('all.mjs', 'link'); done.push('realpath ' + (fs.realpathSync('link') === fs.realpathSync('all.mjs')));
done.push('cpus ' + (os.cpus().length > 0 && os.totalmem() > 0 && os.homedir() === process.env.HOME));
process.stdout.write(done.join('\n') + '\n');
}",
        );
        garden.write("tree/a/b/c", "c");
        let run = garden.inside(&["node", "all.mjs"]).ok();
        let expected = "worker 7\nexec hello\nspawn piped\nfork 2\nwatch\nhttp served\nlocalhost six\nsocket unix\ntmp tmp\nrealpath true\ncpus true";
        assert_eq!(run.text(), expected, "{run}");
        assert_eq!(run.errors(), "", "{run}");
        assert!(garden.has("watched") && !garden.has("moved") && !garden.has("work.sock"));
    });
}

/// Bundlers from the registry, fetched before the sandbox starts; the registry out of reach means nothing to test.
#[test]
fn bundlers() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        garden.write("package.json", r#"{"name": "app", "private": true, "type": "module"}"#);
        garden.write("src/main.js", "import { two } from './two.js';\nconsole.log(two + 1);\n");
        garden.write("src/two.js", "export const two = 2;\nexport const unused = 'dropped';\n");
        let fetched = garden.outside(&[
            "npm",
            "install",
            "--no-audit",
            "--no-fund",
            "--silent",
            "esbuild@0.25",
            "rollup@4",
        ]);
        if !fetched.status.success() {
            unavailable("bundlers of npm", "reach a package registry with npm");
            return;
        }
        let run = garden.script(
            "npx esbuild src/main.js --bundle --minify --outfile=out/e.js --sourcemap
             npx rollup src/main.js --file out/r.js --silent
             npx esbuild --version; node out/e.js; node out/r.js
             node -e \"import('esbuild').then(async (e) => { const c = await e.context({ entryPoints: ['src/main.js'], bundle: true, outfile: 'out/w.js' }); await c.watch(); const s = await c.serve({ servedir: 'out', host: '127.0.0.1' }); const r = await fetch('http://127.0.0.1:' + s.port + '/w.js'); console.log(r.status); await c.dispose(); })\"",
        );
        let run = run.ok();
        assert!(run.text().ends_with("3\n3\n200"), "{run}");
        assert!(!garden.read("out/r.js").contains("dropped"));
        assert!(garden.has("out/e.js.map"));
    });
}

/// Each finds that the directory above is absent, one makes it, and all try again.
#[test]
fn many_at_once_make_directories_in_one_that_is_not_there_yet() {
    if !installed() {
        return;
    }
    everyone(|garden| {
        let script = "const fs = require('fs').promises;
            const one = (round) => Promise.all([...Array(20).keys()].map(
                (name) => fs.mkdir(`tree/${round}/deep/${name}`, { recursive: true })));
            (async () => { for (let round = 0; round < 40; round++) await one(round); console.log('made'); })();";
        garden.write("make.js", script);
        assert_eq!(garden.inside(&["node", "make.js"]).ok().text(), "made");
    });
}
