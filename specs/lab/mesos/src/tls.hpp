#pragma once

namespace standin {

// Has this process speak TLS where the environment says so, by the variables of Mesos itself: SSL_ENABLED,
// SSL_SUPPORT_DOWNGRADE, SSL_CERT_FILE, SSL_KEY_FILE, SSL_CA_FILE, SSL_VERIFY_CERT. Throws a Mistake where a file is
// missing or wrong.
void speak_tls_if_asked();

}  // namespace standin
