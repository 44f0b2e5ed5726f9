"""Writes credentials.json: golden bytes of every kind of credential.

A second implementation of the format in docs/credentials.md, on purpose with nothing of the package in it:
protobuf by hand, Ed25519 from the `cryptography` library. Keys come from the seeds below (one byte, 32 times).

    python3 generate.py > credentials.json
"""
import hashlib, json, struct
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SEEDS = {'space': 1, 'identity': 2, 'device': 3, 'second': 4, 'member': 5, 'feed': 6, 'recovery': 7}
KEY = {name: Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32) for name, seed in SEEDS.items()}
PUB = {name: key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for name, key in KEY.items()}
NOON = 1_700_000_000_000


def varint(n):
    out = b''
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def data(number, value):
    return varint(number << 3 | 2) + varint(len(value)) + value


def number(field, value):
    return varint(field << 3) + varint(value) if value else b''


def pae(*parts):
    return struct.pack('<Q', len(parts)) + b''.join(struct.pack('<Q', len(p)) + p for p in parts)


def sign(type, issuer, signer, claim, parents=(), issued=NOON, expires=None, chain=()):
    payload = data(1, PUB[issuer]) + b''.join(data(2, bytes.fromhex(p)) for p in sorted(parents))
    payload += number(3, issued) + (b'' if expires is None else varint(4 << 3) + varint(expires)) + data(5, claim)
    signed = pae(b'vestibule credential v1', type.encode(), PUB[signer], payload)
    bare = data(1, type.encode()) + data(2, PUB[signer]) + data(3, payload) + data(4, KEY[signer].sign(signed))
    links = [link['bare'] for link in chain]
    return {
        'bare': bare,
        'type': type,
        'issuer': PUB[issuer].hex(),
        'signer': PUB[signer].hex(),
        'parents': sorted(parents),
        'issuedAtMs': issued,
        **({} if expires is None else {'expiresAtMs': expires}),
        'chain': [link['id'] for link in chain],
        'signed': signed.hex(),
        'id': hashlib.sha256(signed).hexdigest(),
        'encoded': (bare + b''.join(data(5, link) for link in links)).hex(),
    }


INVITATION, AGREEMENT, NONCE = bytes(range(16)), bytes([7]) * 32, bytes([8]) * 32
CHANNEL = hashlib.sha256(pae(b'vestibule channel v1', pae(b'vestibule peers v1', b'peer-a', b'peer-b'))).digest()

FEED_STATEMENT = pae(b'vestibule feed admission v1', PUB['identity'], PUB['second'], PUB['feed'], b'DATA')
FEED_PROOF = KEY['feed'].sign(FEED_STATEMENT) + KEY['second'].sign(FEED_STATEMENT)

vectors = []


def add(name, claim, one):
    vectors.append({'name': name, 'claim': claim, **{k: v for k, v in one.items() if k != 'bare'}})
    return one


genesis = add(
    'a genesis',
    {'type': 'SpaceGenesis', 'space': PUB['space'].hex(), 'name': 'Küche'},
    sign('SpaceGenesis', 'space', 'space', data(1, PUB['space']) + data(2, 'Küche'.encode())),
)
add(
    "the genesis of an identity's own space",
    {'type': 'SpaceGenesis', 'space': PUB['space'].hex(), 'name': '', 'identity': PUB['identity'].hex()},
    sign('SpaceGenesis', 'space', 'space', data(1, PUB['space']) + data(3, PUB['identity'])),
)
founder = add(
    'the founder, admitted by the space key',
    {'type': 'SpaceMember', 'space': PUB['space'].hex(), 'member': PUB['identity'].hex(), 'role': 'OWNER',
     'profile': {'displayName': 'Ada'}},
    sign('SpaceMember', 'space', 'space', data(1, PUB['space']) + data(2, PUB['identity']) + number(3, 4)
         + data(4, data(1, b'Ada')), parents=[genesis['id']]),
)
device = add(
    'a device, authorised by the identity itself',
    {'type': 'AuthorizedDevice', 'identity': PUB['identity'].hex(), 'device': PUB['device'].hex(),
     'agreementKey': AGREEMENT.hex()},
    sign('AuthorizedDevice', 'identity', 'identity', data(1, PUB['identity']) + data(2, PUB['device'])
         + data(3, AGREEMENT)),
)
second = add(
    'a second device, authorised by the first, for a time',
    {'type': 'AuthorizedDevice', 'identity': PUB['identity'].hex(), 'device': PUB['second'].hex(),
     'agreementKey': AGREEMENT.hex()},
    sign('AuthorizedDevice', 'identity', 'device', data(1, PUB['identity']) + data(2, PUB['second'])
         + data(3, AGREEMENT), expires=NOON + 1000, chain=[device]),
)
member = add(
    'a reader without a name, admitted through an invitation, with two parents',
    {'type': 'SpaceMember', 'space': PUB['space'].hex(), 'member': PUB['member'].hex(), 'role': 'READER',
     'profile': {'displayName': ''}, 'invitationId': INVITATION.hex()},
    sign('SpaceMember', 'identity', 'device', data(1, PUB['space']) + data(2, PUB['member']) + number(3, 1)
         + data(4, b'') + data(5, INVITATION), parents=[genesis['id'], founder['id']], chain=[device]),
)
add(
    'a data feed, admitted by a second device',
    {'type': 'AdmittedFeed', 'space': PUB['space'].hex(), 'member': PUB['identity'].hex(),
     'device': PUB['second'].hex(), 'feed': PUB['feed'].hex(), 'purpose': 'DATA', 'proof': FEED_PROOF.hex()},
    sign('AdmittedFeed', 'identity', 'second', data(1, PUB['space']) + data(2, PUB['identity'])
         + data(3, PUB['second']) + data(4, PUB['feed']) + number(5, 2) + data(6, FEED_PROOF),
         parents=[member['id']], chain=[second, device]),
)
add(
    'a presentation of the peer-a at peer-b',
    {'type': 'Auth', 'space': PUB['space'].hex(), 'nonce': NONCE.hex(), 'channel': CHANNEL.hex()},
    sign('Auth', 'identity', 'device', data(1, PUB['space']) + data(2, NONCE) + data(3, CHANNEL), issued=0,
         chain=[device]),
)
add(
    'a claim of an unknown type',
    {'type': 'Unknown', 'typeName': 'com.example.Recipe'},
    sign('com.example.Recipe', 'identity', 'identity', b'\xff\xff\xff'),
)

def head(feed, length, fill):
    value = {'feed': PUB[feed].hex(), 'length': length, 'hash': (bytes([fill]) * 32).hex()}
    return value, data(1, PUB[feed]) + number(2, length) + data(3, bytes([fill]) * 32)


def ascending(*names):
    return sorted(names, key=lambda name: PUB[name])


def say(name, type, claim, encoded, **more):
    """By the identity's device unless something else is said."""
    options = {'issuer': 'identity', 'signer': 'device', 'chain': [device], **more}
    return add(name, {'type': type, **claim}, sign(type, claim=encoded, **options))


SPACE = {'space': PUB['space'].hex()}
IN_SPACE = data(1, PUB['space'])
ADA = {'identity': PUB['identity'].hex()}
OF_ADA = data(1, PUB['identity'])
MEMBER = {'member': PUB['member'].hex()}
HEADS = [head(name, 3 + at, 9) for at, name in enumerate(ascending('feed', 'second'))]
HEAD_VALUES = [value for value, _ in HEADS]
SECRETS, SEALED = bytes([10]) * 40, bytes([11]) * 80


def heads(field):
    return b''.join(data(field, encoded) for _, encoded in HEADS)


delegated = say(
    'a delegated invitation for several editors, for a time', 'DelegatedInvitation',
    {**SPACE, 'invitationId': INVITATION.hex(), 'role': 'EDITOR', 'multiUse': True, 'maxAttempts': 300,
     'sealedSecrets': SECRETS.hex()},
    IN_SPACE + data(2, INVITATION) + number(3, 2) + number(4, 1) + number(5, 300) + data(6, SECRETS),
    parents=[member['id']], expires=NOON + 60_000,
)
say(
    'a delegated invitation for five who are given no history', 'DelegatedInvitation',
    {**SPACE, 'invitationId': INVITATION.hex(), 'role': 'EDITOR', 'multiUse': True, 'maxAttempts': 3,
     'sealedSecrets': SECRETS.hex(), 'history': 'none', 'uses': 5},
    IN_SPACE + data(2, INVITATION) + number(3, 2) + number(4, 1) + number(5, 3) + data(6, SECRETS) + number(7, 1)
    + number(8, 5), parents=[member['id']], expires=NOON + 60_000,
)
bare = say(
    'a delegated invitation for one reader, without limits', 'DelegatedInvitation',
    {**SPACE, 'invitationId': INVITATION.hex(), 'role': 'READER', 'multiUse': False, 'maxAttempts': 0,
     'sealedSecrets': ''},
    IN_SPACE + data(2, INVITATION) + number(3, 1), parents=[member['id']],
)
say(
    'an editor who redeems a delegated invitation', 'SpaceMember',
    {**SPACE, **MEMBER, 'role': 'EDITOR', 'profile': {'displayName': 'Bob'}, 'invitationId': INVITATION.hex(),
     'delegation': delegated['id']},
    IN_SPACE + data(2, PUB['member']) + number(3, 2) + data(4, data(1, b'Bob')) + data(5, INVITATION)
    + data(6, bytes.fromhex(delegated['id'])), parents=[delegated['id']],
)
say(
    'an editor who reads nothing from before', 'SpaceMember',
    {**SPACE, **MEMBER, 'role': 'EDITOR', 'profile': {'displayName': 'Bob'}, 'history': 'none'},
    IN_SPACE + data(2, PUB['member']) + number(3, 2) + data(4, data(1, b'Bob')) + number(7, 1), parents=[member['id']],
)
say(
    'how many attempts at it failed', 'InvitationAttempts', {**SPACE, 'delegation': delegated['id'], 'failed': 2},
    IN_SPACE + data(2, bytes.fromhex(delegated['id'])) + number(3, 2), parents=[delegated['id']],
)
say(
    'a cancelled invitation', 'CancelledInvitation', {**SPACE, 'delegation': bare['id']},
    IN_SPACE + data(2, bytes.fromhex(bare['id'])), parents=[bare['id']],
)
say(
    'a changed role', 'ChangedRole', {**SPACE, **MEMBER, 'role': 'READER', 'heads': HEAD_VALUES},
    IN_SPACE + data(2, PUB['member']) + number(3, 1) + heads(4), parents=[member['id']],
)
say(
    'a removed member, with the heads of two feeds', 'RemovedMember', {**SPACE, **MEMBER, 'heads': HEAD_VALUES},
    IN_SPACE + data(2, PUB['member']) + heads(3), parents=[member['id']],
)
say(
    'a member who leaves', 'LeftSpace', {**SPACE, 'heads': []}, IN_SPACE, issuer='member', signer='member', chain=[],
    parents=[member['id']],
)
say(
    'a revoked device', 'RevokedDevice', {**ADA, 'device': PUB['second'].hex()}, OF_ADA + data(2, PUB['second']),
    parents=[member['id']],
)
RECOVERY_PROOF = KEY['recovery'].sign(
    pae(b'vestibule recovery key v1', PUB['identity'], PUB['recovery'], AGREEMENT))
recovery = say(
    'a recovery key', 'IdentityRecovery',
    {**ADA, 'recoveryKey': PUB['recovery'].hex(), 'agreementKey': AGREEMENT.hex(), 'proof': RECOVERY_PROOF.hex()},
    OF_ADA + data(2, PUB['recovery']) + data(3, AGREEMENT) + data(4, RECOVERY_PROOF), signer='identity', chain=[],
)
say(
    'a device, revoked by the recovery key', 'RevokedDevice', {**ADA, 'device': PUB['device'].hex()},
    OF_ADA + data(2, PUB['device']), signer='recovery', chain=[recovery], parents=[member['id']],
)
say(
    'the profile of an identity', 'IdentityProfile', {**ADA, 'profile': {'displayName': 'Ada L.'}},
    OF_ADA + data(2, data(1, b'Ada L.')),
)
say(
    'the profile of a member', 'MemberProfile',
    {**SPACE, 'member': PUB['identity'].hex(), 'profile': {'displayName': 'Countess'}},
    IN_SPACE + data(2, PUB['identity']) + data(3, data(1, b'Countess')), parents=[member['id']],
)
say(
    'the name of a device', 'DeviceProfile', {**ADA, 'device': PUB['device'].hex(), 'label': 'Téléphone'},
    OF_ADA + data(2, PUB['device']) + data(3, 'Téléphone'.encode()),
)
# The read key is 32 times 9.
COMMITMENT = hashlib.sha256(pae(b'vestibule read key commitment v1', PUB['space'], bytes([9]) * 32)).digest()
first = say(
    'the first epoch, sealed to two devices', 'Epoch',
    {**SPACE, 'number': 1, 'keys': [{'device': PUB[name].hex(), 'sealed': SEALED.hex()}
                                    for name in ascending('device', 'second')], 'heads': [], 'commitment': COMMITMENT.hex()},
    IN_SPACE + number(2, 1)
    + b''.join(data(4, data(1, PUB[name]) + data(2, SEALED)) for name in ascending('device', 'second'))
    + data(6, COMMITMENT),
    parents=[member['id']],
)
say(
    'an epoch that follows, and records heads', 'Epoch',
    {**SPACE, 'number': 2, 'previous': first['id'], 'keys': [], 'heads': HEAD_VALUES,
     'commitment': COMMITMENT.hex()},
    IN_SPACE + number(2, 2) + data(3, bytes.fromhex(first['id'])) + heads(5) + data(6, COMMITMENT), parents=[first['id']],
)

print(json.dumps({
    'origin': 'Written by generate.py in this folder, an implementation of the format that shares no code with '
              'the package. Released formats keep their golden bytes for ever.',
    'seeds': {name: (bytes([seed]) * 32).hex() for name, seed in SEEDS.items()},
    'vectors': vectors,
}, indent=2, ensure_ascii=False))
