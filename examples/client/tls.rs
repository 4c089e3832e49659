//! Whom to trust.

use std::io::{Error as IoError, ErrorKind};
use std::sync::Arc;

use websocket_proto::adapter::Error;
use websocket_proto::adapter::tls::rustls::pki_types::CertificateDer;
use websocket_proto::adapter::tls::rustls::pki_types::pem::PemObject;
use websocket_proto::adapter::tls::rustls::{ClientConfig, RootCertStore};

/// TLS with whoever can show a certificate of these authorities.
pub(crate) fn trusting(file: &str) -> Result<Arc<ClientConfig>, Error> {
    let unreadable = |error| IoError::new(ErrorKind::InvalidInput, format!("{file}: {error}"));
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).map_err(unreadable)? {
        roots.add(root.map_err(unreadable)?)?;
    }
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
