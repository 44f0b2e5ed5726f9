#!/usr/bin/env python3
"""Finds every value of inv1-exchange.json and inv1-known-guests.json by nothing but invitations.md and the Python standard library.

It shares no line with the implementation in TypeScript, so that what both agree on is what the text says. Not fast,
not in constant time: to check an implementation against, not to use.
"""
import base64
import hashlib
import hmac
import json
import pathlib

HERE = pathlib.Path(__file__).parent
VECTOR = json.loads((HERE / "inv1-exchange.json").read_text())
KNOWN_GUESTS = json.loads((HERE / "inv1-known-guests.json").read_text())
checked = 0


def check(name, found, expected):
    global checked
    if found != expected:
        raise SystemExit(f"{name}: found {found!r}, expected {expected!r}")
    checked += 1


# --- bytes ---------------------------------------------------------------------------------------------------------


def sha512(data):
    return hashlib.sha512(data).digest()


def pae(*parts):
    """Section "Words": the number of parts, then each behind its length; all integers 8 bytes, little-endian."""
    out = len(parts).to_bytes(8, "little")
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        if isinstance(part, int):
            part = part.to_bytes(8, "little")
        out += len(part).to_bytes(8, "little") + part
    return out


def hkdf(digest, key, salt, info, length):
    """RFC 5869."""
    prk = hmac.digest(salt or bytes(hashlib.new(digest).digest_size), key, digest)
    out, block, counter = b"", b"", 1
    while len(out) < length:
        block = hmac.digest(prk, block + info + bytes([counter]), digest)
        out, counter = out + block, counter + 1
    return out[:length]


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Protobuf: {field number: [values]}; varints and byte strings are all there is."""
    out, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at : at + value], at + value
        elif tag & 7 != 0:
            raise SystemExit(f"wire type {tag & 7}")
        out.setdefault(tag >> 3, []).append(value)
    return out


def field(data, number):
    [value] = fields(data)[number]
    return value


# --- edwards25519 and ristretto255 (RFC 8032, RFC 9496) --------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
SQRT_M1 = pow(2, (P - 1) // 4, P)


def sqrt_ratio(u, v):
    """RFC 9496, section 4.2: (whether u/v is a square, the non-negative root of u/v or of SQRT_M1 * u/v)."""
    r = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    c = v * r * r % P
    square = c in (u % P, -u % P)
    if c in (-u % P, -u * SQRT_M1 % P):
        r = r * SQRT_M1 % P
    return square, (-r % P if r & 1 else r)


INVSQRT_A_MINUS_D = sqrt_ratio(1, (-1 - D) % P)[1]
# The root that RFC 9496, section 4.1 names; the other one is as good a root, and gives other elements.
SQRT_AD_MINUS_ONE = 25063068953384623474111414158702152701244531502492656460079210482610430750235
assert SQRT_AD_MINUS_ONE**2 % P == (-D - 1) % P


def add(p, q):
    x1, y1, z1, t1 = p
    x2, y2, z2, t2 = q
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(scalar, point):
    out = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            out = add(out, point)
        point, scalar = add(point, point), scalar >> 1
    return out


def absolute(x):
    x %= P
    return P - x if x & 1 else x


def ed25519_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    square, x = sqrt_ratio((y * y - 1) % P, (D * y * y + 1) % P)
    if not square or y >= P or (x == 0 and sign):
        raise SystemExit("no point")
    x = x if x & 1 == sign else P - x
    return x, y, 1, x * y % P


def ed25519_bytes(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = ed25519_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_scalar(seed):
    digest = bytearray(sha512(seed)[:32])
    digest[0] &= 248
    digest[31] = digest[31] & 127 | 64
    return int.from_bytes(digest, "little")


def ed25519_public(seed):
    return ed25519_bytes(times(ed25519_scalar(seed), BASE))


def ed25519_sign(seed, message):
    public = ed25519_public(seed)
    r = int.from_bytes(sha512(sha512(seed)[32:] + message), "little") % ORDER
    commitment = ed25519_bytes(times(r, BASE))
    k = int.from_bytes(sha512(commitment + public + message), "little") % ORDER
    return commitment + ((r + k * ed25519_scalar(seed)) % ORDER).to_bytes(32, "little")


def ristretto_decode(data):
    """RFC 9496, section 4.3.1."""
    s = int.from_bytes(data, "little")
    if s >= P or s & 1:
        raise SystemExit("not canonical")
    u1, u2 = (1 - s * s) % P, (1 + s * s) % P
    v = (-D * u1 * u1 - u2 * u2) % P
    square, invsqrt = sqrt_ratio(1, v * u2 * u2 % P)
    x = absolute(2 * s * invsqrt * u2)
    y = u1 * invsqrt * invsqrt * u2 * v % P
    if not square or (x * y % P) & 1 or y == 0:
        raise SystemExit("no element")
    return x, y, 1, x * y % P


def ristretto_encode(point):
    """RFC 9496, section 4.3.2."""
    x, y, z, t = point
    u1, u2 = (z + y) * (z - y) % P, x * y % P
    _, invsqrt = sqrt_ratio(1, u1 * u2 * u2 % P)
    d1, d2 = invsqrt * u1 % P, invsqrt * u2 % P
    z_inverse = d1 * d2 * t % P
    d = d2
    if (t * z_inverse % P) & 1:
        x, y, d = y * SQRT_M1 % P, x * SQRT_M1 % P, d1 * INVSQRT_A_MINUS_D % P
    if (x * z_inverse % P) & 1:
        y = -y % P
    return absolute(d * (z - y)).to_bytes(32, "little")


def ristretto_map(data):
    """RFC 9496, section 4.3.4, MAP."""
    t = int.from_bytes(data, "little") % 2**255 % P
    r = SQRT_M1 * t * t % P
    u, c = (r + 1) * (1 - D * D) % P, -1
    v = (c - r * D) * (r + D) % P
    square, s = sqrt_ratio(u, v)
    if not square:
        s, c = -absolute(s * t) % P, r
    n = (c * (r - 1) * (D - 1) ** 2 - v) % P
    w0, w1, w2, w3 = 2 * s * v, n * SQRT_AD_MINUS_ONE, 1 - s * s, 1 + s * s
    return w0 * w3 % P, w2 * w1 % P, w1 * w3 % P, w0 * w2 % P


def ristretto_from_uniform(data):
    return add(ristretto_map(data[:32]), ristretto_map(data[32:]))


# --- CPace (draft-irtf-cfrg-cpace-21) and ChaCha20-Poly1305 (RFC 8439) -----------------------------------------------


def lv(*parts):
    out = b""
    for part in parts:
        length, rest = b"", len(part)
        while rest > 127:
            length, rest = length + bytes([rest & 0x7F | 0x80]), rest >> 7
        out += length + bytes([rest]) + part
    return out


def cpace_generator(prs, ci, sid):
    dsi = b"CPaceRistretto255"
    padding = bytes(max(0, 128 - 1 - len(lv(prs)) - len(lv(dsi))))
    return ristretto_from_uniform(sha512(lv(dsi, prs, padding, ci, sid)))


def cpace_scalar(random):
    return int.from_bytes(random, "little") % (ORDER - 1) + 1


def chacha_block(key, counter, nonce):
    words = [int.from_bytes((b"expand 32-byte k" + key + counter.to_bytes(4, "little") + nonce)[i : i + 4], "little")
             for i in range(0, 64, 4)]
    state = list(words)

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            state[x] = (state[x] + state[y]) & 0xFFFFFFFF
            mixed = state[z] ^ state[x]
            state[z] = (mixed << n | mixed >> (32 - n)) & 0xFFFFFFFF

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return b"".join(((a + b) & 0xFFFFFFFF).to_bytes(4, "little") for a, b in zip(state, words))


def chacha20(key, nonce, data):
    stream = b"".join(chacha_block(key, 1 + i, nonce) for i in range((len(data) + 63) // 64))
    return bytes(a ^ b for a, b in zip(data, stream))


def poly_tag(key, nonce, aad, ciphertext):
    one_time = chacha_block(key, 0, nonce)
    r = int.from_bytes(one_time[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    pad = lambda data: data + bytes(-len(data) % 16)
    text = pad(aad) + pad(ciphertext) + len(aad).to_bytes(8, "little") + len(ciphertext).to_bytes(8, "little")
    total = 0
    for at in range(0, len(text), 16):
        total = (total + int.from_bytes(text[at : at + 16] + b"\x01", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(one_time[16:], "little")) % 2**128).to_bytes(16, "little")


def unseal(key, number, th2, sealed):
    nonce, aad = bytes(12), pae("inv/1", number, th2)
    ciphertext, tag = sealed[:-16], sealed[-16:]
    check(f"tag of message {number}", poly_tag(key, nonce, aad, ciphertext), tag)
    return chacha20(key, nonce, ciphertext)


# --- the exchange ----------------------------------------------------------------------------------------------------

frames = [bytes.fromhex(frame) for frame in VECTOR["frames"]]
seeds = {name: bytes.fromhex(seed) for name, seed in VECTOR["seeds"].items()}
random = {name: bytes.fromhex(value) for name, value in VECTOR["random"].items()}

# The link.
link = base64.urlsafe_b64decode(VECTOR["link"] + "=" * (-len(VECTOR["link"]) % 4))
body, checksum = link[:-4], link[-4:]
check("checksum", hashlib.sha256(body).digest()[:4], checksum)
check("magic and version", body[:4].hex(), "bdeb2d01")
check("traits: space, interactive, shared secret, single use", body[4], 1 << 2)
secret, host_key, commitment = body[5:21], body[21:53], body[53:69]
check("HK", ed25519_public(seeds["hostKey"]), host_key)
link_hash = sha512(pae("inv/1 link", body))
derive = lambda label, length: hkdf("sha256", secret, b"", f"inv/1 {label}".encode(), length)
invitation_id, psk = derive("invitation id", 16), derive("psk", 32)

# 1: guest → host.
th0 = pae("inv/1", link_hash, invitation_id, "guest", VECTOR["peers"]["guest"], "host", VECTOR["peers"]["host"])
hello = field(frames[0], 1)
check("version", field(hello, 1), 1)
check("invitation id", field(hello, 2), invitation_id)
check("nG", field(hello, 3), random["guestNonce"])
check("resume", 4 in fields(hello), False)
mac = hmac.digest(derive("link mac", 32), pae("inv/1 hello", th0, random["guestNonce"], 0), "sha512")
check("MAC of message 1", field(hello, 5), mac)

# 2: host → guest.
offer = field(frames[1], 2)
preview = field(offer, 2)
check("nH", field(offer, 1), random["hostNonce"])
check("space in the preview", field(preview, 1).decode(), VECTOR["preview"]["spaceName"])
check("inviter in the preview", field(preview, 2).decode(), VECTOR["preview"]["inviterName"])
check("role in the preview: EDITOR", field(preview, 3), 2)
th1 = sha512(pae("inv/1 TH1", th0, random["guestNonce"], random["hostNonce"], preview))
check("signature of message 2", field(offer, 3), ed25519_sign(seeds["hostKey"], pae("inv/1 offer", th1)))

# 3 and 4: shares.
prs, sid = lv(VECTOR["code"].encode(), psk), sha512(pae("inv/1 sid", th1, 1))
generator = cpace_generator(prs, th0, sid)
scalars = [cpace_scalar(random["guestShare"]), cpace_scalar(random["hostShare"])]
guest_share, host_share = [ristretto_encode(times(scalar, generator)) for scalar in scalars]
check("attempt", field(field(frames[2], 3), 1), 1)
check("Ya", field(field(frames[2], 3), 2), guest_share)
check("Yb", field(field(frames[3], 4), 1), host_share)
k = ristretto_encode(times(scalars[0], ristretto_decode(host_share)))
check("K at the host", ristretto_encode(times(scalars[1], ristretto_decode(guest_share))), k)
session_key = sha512(lv(b"CPaceRistretto255_ISK", sid, k) + lv(guest_share, b"") + lv(host_share, b""))
th2 = sha512(pae("inv/1 TH2", th1, 1, guest_share, host_share))
keys = {name: hkdf("sha512", session_key, th2, f"inv/1 {name}".encode(), 32)
        for name in ("confirm guest", "confirm host", "seal guest", "seal host")}

# 5: guest → host.
proof = field(frames[4], 5)
check("Tg", field(proof, 1), hmac.digest(keys["confirm guest"], th2, "sha512"))
proven = unseal(keys["seal guest"], 5, th2, field(proof, 2))
request = field(proven, 1)
for number, name in ((1, "identity"), (3, "device"), (5, "controlFeed"), (6, "dataFeed")):
    check(f"{name} in the request", field(request, number), ed25519_public(seeds[name]))
check("chain in the request", [one.hex() for one in fields(request)[2]], VECTOR["guest"]["chain"])
check("agreement key in the request", field(request, 4).hex(), VECTOR["guest"]["agreementKey"])
check("name in the request", field(request, 7).decode(), VECTOR["guest"]["displayName"])
for number, name, which in ((2, "device", "DEVICE"), (3, "controlFeed", "CONTROL_FEED"), (4, "dataFeed", "DATA_FEED"),
                            (5, "identity", "IDENTITY")):
    statement = pae("inv/1 proof", which, th2, sha512(pae("inv/1 request", request)))
    check(f"proof by {name}", field(proven, number), ed25519_sign(seeds[name], statement))

# 6: host → guest.
admitted = field(frames[5], 6)
check("Th", field(admitted, 1), hmac.digest(keys["confirm host"], th2, "sha512"))
answer = unseal(keys["seal host"], 6, th2, field(admitted, 3))
check("admission in the answer", field(answer, 1).hex(), VECTOR["admission"])
statement = pae("inv/1 admit", th2, sha512(pae("inv/1 answer", answer)))
check("signature of message 6", field(admitted, 2), ed25519_sign(seeds["hostKey"], statement))

# The commitment is over the id of the genesis, the first credential of the admission's path.
genesis = fields(fields(bytes.fromhex(VECTOR["admission"]))[3][0])
[kind], [signer], [payload] = genesis[1], genesis[2], genesis[3]
check("the first credential", kind, b"SpaceGenesis")
genesis_id = hashlib.sha256(pae("vestibule credential v1", kind, signer, payload)).digest()
tag = hmac.digest(derive("commitment", 32), pae("inv/1 commitment", "SPACE", genesis_id), "sha512")
check("commitment", tag[:16], commitment)
# Links for a known guest, and the proof of the known key in message 5.
for vector in KNOWN_GUESTS:
    what, text = vector["what"], vector["link"]
    link = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    body, checksum = link[:-4], link[-4:]
    check(f"checksum of a link: {what}", checksum, hashlib.sha256(body).digest()[:4])
    check("magic and version", body[:4], bytes.fromhex("bdeb2d01"))
    check("method of a known public key", body[4] >> 2 & 3, 2)
    check("L", body[5:21].hex(), vector["secret"])
    check("HK", body[21:53].hex(), vector["hostKey"])
    check("commitment of the link", body[53:69].hex(), vector["commitment"])
    check("expires", int.from_bytes(body[69:73], "big"), vector["expires"])
    seed = bytes.fromhex(vector["seed"])
    carried = body[4] >> 5 & 3 == 2
    if not carried:
        check("guest", body[73:89], sha512(pae("inv/1 guest", ed25519_public(seed)))[:16])
    else:
        check("carried seed", body[-32:], seed)
    hashed = body[:-32] if carried else body
    check("invHash", sha512(pae("inv/1 link", hashed)).hex(), vector["invHash"])
    request, th2 = bytes.fromhex(vector["request"]), bytes.fromhex(vector["th2"])
    statement = pae("inv/1 proof", "KNOWN_KEY", th2, sha512(pae("inv/1 request", request)))
    check("proof by the known key", ed25519_sign(seed, statement).hex(), vector["proof"])
print(f"ok: {checked} values")
