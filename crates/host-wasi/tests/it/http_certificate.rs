//! A certificate that signs itself, written out in DER.

use std::net::IpAddr;

use host_wasi::http::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const OCTETS: u8 = 0x04;
const IDENTIFIER: u8 = 0x06;
const TEXT: u8 = 0x0c;
const TIME: u8 = 0x17;

const ECDSA_WITH_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// A new key, and a certificate for these names and addresses.
pub(crate) fn self_signed(names: &[&str]) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, key.as_ref(), &random).unwrap();

    let algorithm = der(SEQUENCE, &[der(IDENTIFIER, &[ECDSA_WITH_SHA256])]);
    let name = [der(IDENTIFIER, &[COMMON_NAME]), der(TEXT, &[b"a test"])];
    let name = der(SEQUENCE, &[der(SET, &[der(SEQUENCE, &name)])]);
    let validity = der(SEQUENCE, &[der(TIME, &[b"200101000000Z"]), der(TIME, &[b"491231235959Z"])]);
    let public = [
        der(SEQUENCE, &[der(IDENTIFIER, &[EC_PUBLIC_KEY]), der(IDENTIFIER, &[P256])]),
        der(BITS, &[&[0], pair.public_key().as_ref()]),
    ];
    let names: Vec<_> = names.iter().map(|name| alternative_name(name)).collect();
    let names = der(OCTETS, &[der(SEQUENCE, &names)]);
    let extension = der(SEQUENCE, &[der(IDENTIFIER, &[ALTERNATIVE_NAMES]), names]);
    let to_sign = der(
        SEQUENCE,
        &[
            der(0xa0, &[der(INTEGER, &[[2]])]),
            der(INTEGER, &[[1]]),
            algorithm.clone(),
            name.clone(),
            validity,
            name,
            der(SEQUENCE, &public),
            der(0xa3, &[der(SEQUENCE, &[extension])]),
        ],
    );
    let signature = pair.sign(&random, &to_sign).unwrap();
    let certificate = der(SEQUENCE, &[to_sign, algorithm, der(BITS, &[&[0], signature.as_ref()])]);
    let key = PrivatePkcs8KeyDer::from(key.as_ref().to_vec());
    (certificate.into(), key.into())
}

fn alternative_name(name: &str) -> Vec<u8> {
    match name.parse() {
        Ok(IpAddr::V4(address)) => der(0x87, &[address.octets()]),
        Ok(IpAddr::V6(address)) => der(0x87, &[address.octets()]),
        Err(_) => der(0x82, &[name]),
    }
}

/// One value of DER: its tag, how long it is, and its parts.
fn der(tag: u8, parts: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let content: Vec<u8> = parts.iter().flat_map(|part| part.as_ref().to_vec()).collect();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut value = vec![tag];
    match content.len() {
        0..128 => value.push(low),
        128..256 => value.extend([0x81, low]),
        _ => value.extend([0x82, high, low]),
    }
    value.extend(content);
    value
}
