//! Package managers and git install from servers that a policy names, with TLS passed through and opened, and are
//! refused elsewhere at once.
#![cfg(target_os = "linux")]

use garth_tests::{GIT, Internet, OPENED, PASSED, SERVER, cargo_home, has};

/// Both ways of a connection.
const BOTH: [&str; 2] = [PASSED, OPENED];

/// Indexes of one package, for each kind of manager and each host: what they hold names its host again.
const INDEXES: &str = r#"
import hashlib, base64, io, json, os, tarfile, zipfile
os.chdir('files')
def archive(name, members):
    with tarfile.open(name, 'w:gz') as packed:
        for path, text in members.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text)
            packed.addfile(entry, io.BytesIO(text.encode()))
    return open(name, 'rb').read()
def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, 'w').write(text)
os.makedirs('simple/tiny')
with zipfile.ZipFile('simple/tiny/tiny-1.0-py3-none-any.whl', 'w') as z:
    z.writestr('tiny.py', 'word = "installed"')
    z.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n')
    z.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
    z.writestr('tiny-1.0.dist-info/RECORD', 'tiny.py,,\n')
put('simple/tiny/index.html', '<a href="tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>')
node = archive('tiny-1.0.0.tgz', {
    'package/package.json': '{"name": "tiny", "version": "1.0.0", "main": "index.js"}',
    'package/index.js': 'module.exports = "installed"'})
crate = archive('tiny-1.0.0.crate', {
    'tiny-1.0.0/Cargo.toml': '[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2021"\n',
    'tiny-1.0.0/src/lib.rs': 'pub const WORD: &str = "installed";\n'})
line = {'name': 'tiny', 'vers': '1.0.0', 'deps': [], 'features': {}, 'yanked': False,
        'cksum': hashlib.sha256(crate).hexdigest()}
for host in ('allowed.test', 'api.test', 'forbidden.test'):
    dist = {'tarball': f'https://{host}/tiny-1.0.0.tgz',
            'integrity': 'sha512-' + base64.b64encode(hashlib.sha512(node).digest()).decode()}
    put(f'npm-{host}/tiny', json.dumps({'name': 'tiny', 'dist-tags': {'latest': '1.0.0'}, 'versions': {
        '1.0.0': {'name': 'tiny', 'version': '1.0.0', 'main': 'index.js', 'dist': dist}}}))
    put(f'index-{host}/config.json', json.dumps({'dl': 'https://' + host + '/{crate}-{version}.crate'}))
    put(f'index-{host}/ti/ny/tiny', json.dumps(line) + '\n')
parent = '''<project><modelVersion>4.0.0</modelVersion><groupId>g</groupId><artifactId>parent</artifactId>
<version>1</version><packaging>pom</packaging><properties><word>installed</word></properties></project>'''
put('maven/g/parent/1/parent-1.pom', parent)
put('maven/g/parent/1/parent-1.pom.sha1', hashlib.sha1(parent.encode()).hexdigest())
"#;

/// An internet with these indexes.
fn with_indexes() -> Option<Internet> {
    let internet = Internet::new()?;
    internet.shell(&format!("/usr/bin/python3 - <<'END'\n{INDEXES}\nEND"));
    Some(internet)
}

#[test]
fn pip() {
    if !has("pip3", "python3-pip") {
        return;
    }
    let Some(internet) = with_indexes() else { return };
    let script =
        "/usr/bin/pip3 install -q --disable-pip-version-check --no-cache-dir --retries 0 --target {run} \
                  --root-user-action=ignore --index-url https://{host}/simple/ tiny
                  PYTHONPATH={run} /usr/bin/python3 -c 'import tiny; print(tiny.word)'";
    internet.clients(|place| place.client(&BOTH, script, "installed"));
}

#[test]
fn npm() {
    if !has("npm", "npm") {
        return;
    }
    let Some(internet) = with_indexes() else { return };
    let script = "mkdir {run} && cd {run} && echo '{\"name\": \"app\", \"version\": \"1.0.0\"}' >package.json
                  npm install --silent --no-audit --no-fund --fetch-retries 0 --registry https://{host}/npm-{host}/ tiny
                  node -p 'require(\"tiny\")'";
    internet.clients(|place| place.client(&BOTH, script, "installed"));
}

#[test]
fn cargo() {
    let Some(internet) = with_indexes() else { return };
    let manifest = "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\n\
                    tiny = { version = \"1\", registry = \"near\" }\n";
    let script = "cp -r app {run} && cd {run}
                  export CARGO_REGISTRIES_NEAR_INDEX=sparse+https://{host}/index-{host}/ CARGO_NET_RETRY=0
                  cargo fetch && cargo run --offline --quiet";
    internet.clients(|place| {
        if !cargo_home(&place.garden) {
            return;
        }
        place.garden.write("app/Cargo.toml", manifest);
        place.garden.write("app/src/main.rs", "fn main() { println!(\"{}\", tiny::WORD); }\n");
        let script = format!("export PATH=$HOME/.cargo/bin:$PATH\n{script}");
        place.client(&BOTH, &script, "installed");
    });
}

#[test]
fn maven() {
    if !has("mvn", "maven") {
        return;
    }
    let Some(internet) = with_indexes() else { return };
    let settings = "<settings><mirrors><mirror><id>near</id><mirrorOf>*</mirrorOf><url>https://${env.NEAR}/maven/</url>\
                    </mirror></mirrors></settings>";
    let project = "<project><modelVersion>4.0.0</modelVersion><parent><groupId>g</groupId>\
                   <artifactId>parent</artifactId><version>1</version><relativePath/></parent>\
                   <artifactId>app</artifactId><packaging>pom</packaging></project>";
    // It starts no plugin, so nothing but the parent is fetched.
    let script = "export NEAR={host}
                  mvn -B -q -s settings.xml -Dmaven.repo.local=$PWD/{run} validate >said 2>&1 || { cat said >&2; exit 1; }
                  cat {run}/g/parent/1/parent-1.pom";
    internet.clients(|place| {
        place.garden.write("settings.xml", settings);
        place.garden.write("pom.xml", project);
        place.client(&BOTH, script, "<word>installed</word>");
    });
}

/// Git's own protocol over HTTPS: a clone and a push.
#[test]
fn git_over_https() {
    if !has("git", "git") {
        return;
    }
    let Some(mut internet) = Internet::new() else { return };
    internet.start(9443, &["/usr/bin/python3", "-c", GIT, "9443", SERVER]);
    let script = "git clone -q https://{host}:9443/repo.git {run} && cd {run} && git switch -qc {run}
                  git -c user.name=n -c user.email=e commit -q --allow-empty -m second
                  git push -q --force origin {run} && git ls-remote origin";
    internet.clients(|place| {
        place.client(&BOTH, script, "refs/heads/run-{host}");
    });
}
