# Writes the models of the invitation protocol inv/1: inv1_<case>.pv. Run: proverif -lib common.pvl FILE.pv
CASES = {
 'link_stolen':      dict(code='private', weak=True,  L='public',  leak=False, pake=True,  wants='weak true, key secret, both agreements true'),
 'link_and_hk_stolen': dict(code='private', weak=True, L='public', leak=True,  pake=True,  wants='the same'),
 'code_public':      dict(code='public',  weak=False, L='private', leak=False, pake=True,  wants='key secret, both agreements true'),
 'no_code':          dict(code='public',  weak=False, L='private', leak=False, pake=False, wants='key secret, both agreements true'),
 'insider':          dict(code='public',  weak=False, L='public',  leak=False, pake=True,  wants='key leaks (an insider may join), both agreements true'),
 'no_proofs':        dict(code='public',  weak=False, L='public',  leak=False, pake=True,  nopop=True, wants='host agreement FALSE: proofs are needed'),
 'no_host_signature': dict(code='public', weak=False, L='public',  leak=False, pake=True,  nohk=True, wants='guest agreement FALSE: the signature on message 6 is needed against insiders'),
}
T = '''(* inv/1, %(name)s. Public channel: no transport security is assumed. Expected: %(wants)s *)
free code: bitstring%(codep)s.
%(weak)sfree spaceKey: bitstring [private].
free L: bitstring%(Lp)s.
free b0: bitstring.
event Honest(pk).
event GuestAsked(pk,pk,bitstring,pk,pk,bitstring).
event HostAdmitted(pk,pk,bitstring,pk,pk,bitstring).
event GuestJoined(pk,pk,bitstring,pk,pk,bitstring).
event HostEnd(). event GuestEnd().
query attacker(spaceKey).
query pG: pk, pH: pk, iid: bitstring, id: pk, dev: pk, t: bitstring;
  event(Honest(id)) && inj-event(HostAdmitted(pG,pH,iid,id,dev,t)) ==> inj-event(GuestAsked(pG,pH,iid,id,dev,t)).
query pG: pk, pH: pk, iid: bitstring, id: pk, dev: pk, t: bitstring;
  inj-event(GuestJoined(pG,pH,iid,id,dev,t)) ==> inj-event(HostAdmitted(pG,pH,iid,id,dev,t)).
query event(HostEnd()). query event(GuestEnd()).   (* reachable: must be reported false *)
const PROOF, IDK, DEVK, ADMIT, PREVIEW: bitstring.

let Guest(skG: sk, skId: sk, skDev: sk, hk: pk, iid: bitstring) =
  in(c, pH: pk);
  let pG = spk(skG) in
  new nG: bitstring;
  let th0 = (V1, iid, pG, pH) in
  out(c, (TM1, nG, mac(kdf(L, LLINK), (th0, nG))));
  in(c, (=TM2, nH: bitstring, pv: bitstring, sH: bitstring));
  let th1 = h((th0, nG, nH, pv)) in
  if verify(sH, (TM2, th1), hk) = true then
  new x: exponent;
  let g = %(gen)s in
  let Ya = exp(g, x) in
  out(c, (LCG, Ya));
  in(c, (=LCH, Yb: G));
  let th2 = h((th1, Ya, Yb)) in
  let isk = h((exp(Yb, x), %(psk)s th2)) in
  let EG = kdf(isk, (LEG, th2)) in let EH = kdf(isk, (LEH, th2)) in
  let req = (spk(skId), spk(skDev)) in
  event GuestAsked(pG, pH, iid, spk(skId), spk(skDev), th2);
  out(c, (TM6, mac(kdf(isk, LCG), th2), senc(EG, (TM7, req, sign(skId,(PROOF,IDK,th2,h(req))), sign(skDev,(PROOF,DEVK,th2,h(req)))))));
  in(c, (=TM8, =mac(kdf(isk, LCH), th2), c8: bitstring, sg: bitstring));
  let (=TM8, sk8: bitstring, =req) = sdec(EH, c8) in
%(hkcheck)s  event GuestJoined(pG, pH, iid, spk(skId), spk(skDev), th2);
  event GuestEnd().

let Host(skH: sk, hks: sk, iid: bitstring) =
  in(c, pG: pk);
  let pH = spk(skH) in
  let th0 = (V1, iid, pG, pH) in
  in(c, (=TM1, nG: bitstring, mk: bitstring));
  if mk = mac(kdf(L, LLINK), (th0, nG)) then
  new nH: bitstring;
  let th1 = h((th0, nG, nH, PREVIEW)) in
  out(c, (TM2, nH, PREVIEW, sign(hks, (TM2, th1))));
  in(c, (=LCG, Ya: G));
  new y: exponent;
  let g = %(gen)s in
  let Yb = exp(g, y) in
  out(c, (LCH, Yb));
  let th2 = h((th1, Ya, Yb)) in
  let isk = h((exp(Ya, y), %(psk)s th2)) in
  let EG = kdf(isk, (LEG, th2)) in let EH = kdf(isk, (LEH, th2)) in
  in(c, (=TM6, =mac(kdf(isk, LCG), th2), c7: bitstring));
  let (=TM7, req: bitstring, s1: bitstring, s2: bitstring) = sdec(EG, c7) in
  let (id: pk, dev: pk) = req in
%(popcheck)s  let ans = (TM8, spaceKey, req) in
%(admitted)s

process
  new skH: sk; new hks: sk; new iid: bitstring;
  out(c, (spk(skH), spk(hks), iid));
  ( !Host(skH, hks, iid)
  | !(new skG: sk; new skId: sk; new skDev: sk; event Honest(spk(skId)); out(c, (spk(skG), spk(skId), spk(skDev)));
      !Guest(skG, skId, skDev, spk(hks), iid))%(leak)s )
'''
REST = '  out(c, (TM8, mac(kdf(isk, LCH), th2), senc(EH, ans), sign(hks, (ADMIT, th2, h(ans)))));\n  event HostEnd()'
for name, k in CASES.items():
    ev = 'event HostAdmitted(pG, pH, iid, id, dev, th2);'
    open(f'inv1_{name}.pv', 'w').write(T % dict(
        name=name.replace('_', ' '), wants=k['wants'],
        codep=' [private]' if k['code'] == 'private' else '', weak='weaksecret code.\n' if k['weak'] else '',
        Lp=' [private]' if k['L'] == 'private' else '',
        gen='gen((code, L), th0, th1)' if k['pake'] else 'gen(b0, b0, b0)', psk='' if k['pake'] else 'L,',
        hkcheck='' if k.get('nohk') else '  if verify(sg, (ADMIT, th2, h((TM8, sk8, req))), hk) = true then\n',
        popcheck='' if k.get('nopop') else '  if verify(s1, (PROOF,IDK,th2,h(req)), id) = true then\n  if verify(s2, (PROOF,DEVK,th2,h(req)), dev) = true then\n',
        # an insider may be admitted as itself: the first agreement is about identities of honest guests
        admitted=f'  {ev}\n{REST}.',
        leak='\n  | out(c, hks)' if k['leak'] else ''))
