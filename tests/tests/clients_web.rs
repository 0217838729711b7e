//! Programs and libraries that speak HTTP reach the hosts that a policy names, whether their TLS passes through or is
//! opened, without being told of any proxy or authority; and are refused elsewhere at once.
#![cfg(target_os = "linux")]

use garth_tests::{HTTP2, Internet, OPENED, PASSED, SERVER, has};

/// Both ways of a connection.
const BOTH: [&str; 2] = [PASSED, OPENED];

/// An internet with a server of HTTP/2 on port 8443.
fn with_http2() -> Option<Internet> {
    let mut internet = Internet::new()?;
    if !has("node", "nodejs") {
        return None;
    }
    internet.start(8443, &["node", "-e", HTTP2, "8443", SERVER]);
    Some(internet)
}

#[test]
fn curl() {
    if !has("curl", "curl") {
        return;
    }
    let Some(internet) = with_http2() else { return };
    internet.clients(|place| {
        place.client(&BOTH, "curl -sS --http1.1 https://{host}/one", "hello from {host} at /one with 0");
        place.client(&BOTH, "curl -sS --http2 https://{host}:8443/two", "HTTP/2.0 from {host}:8443");
        place.client(&BOTH, "curl -sS --http1.1 https://{host}:8443/one", "HTTP/1.1 from {host}:8443");
        // A host with rules is asked for over TLS and without.
        place.client(&BOTH, "curl -sS http://{host}/plain", "hello from {host} at /plain with 0");
    });
}

#[test]
fn wget() {
    if !has("wget", "wget") {
        return;
    }
    let Some(internet) = Internet::new() else { return };
    internet.clients(|place| {
        place.client(
            &BOTH,
            "wget -q --tries=1 -O - https://{host}/wget",
            "hello from {host} at /wget with 0",
        );
    });
}

/// The authority is the session's own where TLS is opened, and the server's where it is not.
#[test]
fn openssl_sees_whose_certificate_it_is() {
    let Some(internet) = Internet::new() else { return };
    let script = "openssl s_client -connect {host}:443 -servername {host} -verify_return_error </dev/null 2>&1 || exit 1";
    internet.clients(|place| {
        place.client(&[PASSED], script, "CN = authority of a test");
        place.client(&[OPENED], script, "CN = garth session authority");
        place.client(&BOTH, script, "Verify return code: 0 (ok)");
    });
}

/// Every variable names one file, which holds the authorities of the host and of the session; the system's own file, and
/// the place of the session's authority alone, agree with it.
#[test]
fn every_place_of_authorities_holds_both() {
    let Some(internet) = Internet::new() else { return };
    let script = "for name in AWS_CA_BUNDLE CARGO_HTTP_CAINFO CURL_CA_BUNDLE DENO_CERT GIT_SSL_CAINFO \
            GRPC_DEFAULT_SSL_ROOTS_FILE_PATH NODE_EXTRA_CA_CERTS PIP_CERT REQUESTS_CA_BUNDLE SSL_CERT_FILE; do
            cat ca.pem /run/garth/authority.pem | cmp - \"${!name}\" || echo \"$name differs\"
        done
        cmp /run/garth/certificates.pem /etc/ssl/certs/ca-certificates.crt
        openssl x509 -noout -subject -in /run/garth/authority.pem
        if (echo >>/run/garth/certificates.pem) 2>/dev/null; then echo 'it can be written'; fi";
    internet.clients(|place| {
        let run = place.run(script).ok();
        assert_eq!(run.text(), "subject=CN = garth session authority", "{run}");
    });
}

#[test]
fn node() {
    let Some(internet) = with_http2() else { return };
    let fetch = "fetch('https://{host}/fetch').then(r => r.text()).then(t => process.stdout.write(t))";
    let https = "require('https').get('https://{host}/https', r => r.pipe(process.stdout))
        .on('error', e => { console.error(e.message); process.exit(1) })";
    let http2 = "const c = require('http2').connect('https://{host}:8443');
        c.on('error', e => { console.error(e.message); process.exit(1) });
        const r = c.request({':path': '/'}); r.setEncoding('utf8'); r.on('data', t => process.stdout.write(t));
        r.on('end', () => c.close()); r.end()";
    internet.clients(|place| {
        place.client(&BOTH, &format!("node -e \"{fetch}\""), "hello from {host} at /fetch with 0");
        place.client(&BOTH, &format!("node -e \"{https}\""), "hello from {host} at /https with 0");
        place.client(&BOTH, &format!("node -e \"{http2}\""), "HTTP/2.0 from {host}:8443");
    });
}

/// A program of Go, built by whoever runs the tests. It looks names up by itself, without the C library.
#[test]
fn go() {
    if !has("go", "golang-go") {
        return;
    }
    let Some(internet) = with_http2() else { return };
    internet.shell(
        "mkdir go && cat > go/main.go <<'END'
package main
import (\"fmt\"; \"io\"; \"net/http\"; \"os\")
func main() {
    response, err := http.Get(os.Args[1])
    if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
    body, _ := io.ReadAll(response.Body)
    fmt.Printf(\"%s %s\", response.Proto, body)
}
END
        cd go && CGO_ENABLED=0 GO111MODULE=off go build -o client main.go",
    );
    internet.clients(|place| {
        place.garden.write("client", std::fs::read(internet.directory().join("go/client")).unwrap());
        let _ = place.garden.prepare("chmod 755 client");
        place.client(&BOTH, "./client https://{host}/go", "HTTP/1.1 hello from {host} at /go with 0");
        place.client(&BOTH, "./client https://{host}:8443/", "HTTP/2.0 HTTP/2.0 from {host}:8443");
    });
}

/// A client in Java, which has a store of authorities of its own and no variable for it.
const JAVA: &str = "import java.net.URI; import java.net.http.*;
public class Client {
    public static void main(String[] words) throws Exception {
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(words[0])).build(),
            HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.version() + \" \" + answer.body());
        System.exit(0);
    }
}";

#[test]
fn java() {
    if !has("java", "default-jdk-headless") || !has("javac", "default-jdk-headless") {
        return;
    }
    let Some(internet) = with_http2() else { return };
    internet.clients(|place| {
        place.garden.write("Client.java", JAVA);
        let _ = place.garden.prepare("javac -d . Client.java");
        place.client(
            &BOTH,
            "java -cp . Client https://{host}/java",
            "HTTP_1_1 hello from {host} at /java with 0",
        );
        place.client(&BOTH, "java -cp . Client https://{host}:8443/", "HTTP_2 HTTP/2.0 from {host}:8443");
        // The store is one that the tools of Java take for whole, with the password that every JDK ships.
        let run = place.run("keytool -list -cacerts -storepass changeit 2>/dev/null").ok();
        assert!(run.text().contains("trustedCertEntry"), "{run}");
    });
}
