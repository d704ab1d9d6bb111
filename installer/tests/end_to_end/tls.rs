//! TLS with an authority of the cluster's own, and the names by which services call one another.

use crate::harness::Lab;

/// What openssl says of a service's certificate, checked against the authority of the operator's folder.
fn shown(lab: &Lab, host: &str, port: u16) -> String {
    let script = format!(
        "openssl s_client -connect {host}:{port} -CAfile /etc/mesos/tls/ca.pem -cert /etc/mesos/tls/cert.pem \
         -key /etc/mesos/tls/key.pem -verify_return_error </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    );
    lab.on(host, &script)
}

#[test]
fn a_cluster_speaks_tls_and_renews_its_certificates() {
    let mut lab = Lab::up("tls", 228, 1, 1);
    lab.on("agent-1", "echo '10.9.8.7 printer' >>/etc/hosts");
    // A cluster that runs without is switched over, and keeps its data.
    assert_eq!(lab.apply().exit(0).totals(), [2, 0, 0, 0, 0]);
    lab.on("master-1", "curl -sSf -X PUT http://127.0.0.1:2379/v2/keys/kept -d value=before");
    lab.set("tls", "mode", "generate");
    lab.set("tls", "validity", "2h");
    lab.set("tls", "renew_before", "1m");
    let run = lab.apply().exit(0);
    assert_eq!(run.totals(), [2, 0, 0, 0, 0]);
    let log = run.events.iter().map(ToString::to_string).collect::<String>();
    assert!(log.contains("the certificate of master-1, SHA-256 "), "the plan tells of certificates");
    assert!(!log.contains("PRIVATE KEY"));

    // Every service proves itself by name, and etcd serves nobody without a certificate.
    for (host, port) in [("master-1", 2379), ("master-1", 5050), ("agent-1", 5051)] {
        assert!(shown(&lab, host, port).contains("ingerprint="), "{host}:{port}");
    }
    let etcd = "https://master-1:2379/v2/keys";
    assert_ne!(lab.try_on("agent-1", &format!("curl -sS --cacert /etc/calico/tls/ca.pem {etcd}")).0, 0);
    lab.on(
        "agent-1",
        &format!("cd /etc/calico/tls && curl -sSf --cacert ca.pem --cert cert.pem --key key.pem {etcd}/kept | grep -F '\"value\":\"before\"'"),
    );
    // Mesos still serves those that cannot.
    assert!(lab.http("master-1", 5050, "/state").contains("\"agent-1\""));
    let keys = lab.on("master-1", "stat -c '%a %U' /etc/etcd/tls/key.pem /etc/mesos/tls/key.pem");
    assert_eq!(keys, "600 etcd\n600 root");
    lab.on(
        "agent-1",
        "grep -qx '10.9.8.7 printer' /etc/hosts && getent hosts master-1 && ! ls /etc/*/tls/ca.key",
    );
    assert_eq!(lab.run("verify", &[]).exit(0).totals(), [0, 2, 0, 0, 0]);
    assert_eq!(lab.apply().exit(0).totals(), [0, 2, 0, 0, 0]);

    // Due: only those that read certificates start anew, with new ones.
    let before = ["zookeeper", "etcd", "mesos-master"].map(|unit| lab.started("master-1", unit));
    let (old, agent) = (shown(&lab, "master-1", 2379), lab.started("agent-1", "mesos-slave"));
    lab.set("tls", "renew_before", "1h 59m 59s");
    assert_eq!(lab.apply().exit(0).totals(), [2, 0, 0, 0, 0]);
    let after = ["zookeeper", "etcd", "mesos-master"].map(|unit| lab.started("master-1", unit));
    assert_eq!(before[0], after[0], "a server alone has nobody to prove itself to");
    assert!(before[1] != after[1] && before[2] != after[2] && agent != lab.started("agent-1", "mesos-slave"));
    assert_ne!(old, shown(&lab, "master-1", 2379));
    lab.set("tls", "renew_before", "1m");
    lab.run("verify", &[]).exit(0);
    assert_eq!(lab.apply().exit(0).totals(), [0, 2, 0, 0, 0]);
}
