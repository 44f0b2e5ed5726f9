/*
 * The durable budget of an invitation for one: wrong codes over all sessions and restarts, charges in flight, and the
 * reservation from the match to the commit (src/machine/host-machine.ts). A session is a connection of some guest whose
 * code is right or wrong. The host takes one step at a time; what it stores is under way for a while, one write at a
 * time, and a crash leaves the old record or the new one, and nothing else.
 *
 * Laws: never more wrong codes are compared than the budget allows; one guest at most is admitted; after an end that was
 * told nobody is; whoever waits for the outcome of others gets its turn; honest guests do not lock each other out
 * (-DHONEST: no wrong codes, no crashes). -DMUTANT=n breaks one rule, and one of the laws with it.
 *
 * With -DAPPROVE a person is asked about each guest whose code was right. Nothing is reserved then, the charge is given
 * back before, and of those who got a yes the first commits. In -DWAITING that person never answers.
 */
#define SESSIONS 3
#ifndef BUDGET
#define BUDGET 3
#endif
#define NOBODY SESSIONS

#ifndef MUTANT
#define MUTANT 0
#endif
#if MUTANT == 1 /* off by one */
#define ALLOWED (BUDGET + 1)
#else
#define ALLOWED BUDGET
#endif

mtype = { OPEN, LOCKED, REDEEMED, CANCELLED }
mtype = { GONE, TYPING, QUEUED, CHARGING, COMPARING, MATCHED, PROVING, REFUNDING, ASKING, COMMITTING }
mtype = { NOTHING, CHARGE, REFUND, END, COMMIT }

/* durable */
mtype life = OPEN
byte charged = 0

/* lost in a crash */
mtype closing = OPEN
mtype step[SESSIONS] = GONE
bool right[SESSIONS]
byte reserved = NOBODY
chan intents = [2 * SESSIONS + 2] of { mtype, byte }

/* the write under way */
mtype storing = NOTHING
byte storingFor
mtype nextLife
byte nextCharged

/* for the laws */
byte wrong = 0
byte admissions = 0
bool endTold = false

#define beforeVerdict(i) (step[i] == COMPARING || step[i] == MATCHED || step[i] == PROVING)
#ifndef APPROVE
#define holdsCharge(i) (beforeVerdict(i) || step[i] == COMMITTING)
#elif MUTANT == 8 /* the charge stays for as long as a person takes */
#define holdsCharge(i) (beforeVerdict(i) || step[i] == ASKING || step[i] == COMMITTING)
#elif MUTANT == 9 /* given back again when the guest leaves */
#define holdsCharge(i) (beforeVerdict(i) || step[i] == REFUNDING || step[i] == ASKING)
#else
#define holdsCharge(i) beforeVerdict(i)
#endif
/* Asked again at the last moment: what was verified may have been overtaken while it waited for its turn. */
#if MUTANT == 5 /* it is not */
#define mayCommit true
#elif MUTANT == 3 /* for ends only, and nothing is reserved */
#define mayCommit (closing == OPEN && (life == OPEN || life == REDEEMED))
#else
#define mayCommit (!decided)
#endif
#define decided (closing != OPEN || life != OPEN)

byte n, who, inFlight, wanted, rn, rwho, writer
mtype what = NOTHING
mtype rwhat = NOTHING

/* Counts charges whose outcome is open, and those that are asked for but not in the record. */
inline count() {
  inFlight = 0; wanted = 0
  n = 0
  do
  :: n < SESSIONS -> if :: holdsCharge(n) -> inFlight++ :: else fi; n++
  :: else -> break
  od
  if :: storing == REFUND -> inFlight++ :: storing == CHARGE -> wanted++ :: else fi
  n = len(intents)
  do
  :: n > 0 -> intents?what, who; intents!what, who; n--
              if :: what == REFUND -> inFlight++ :: what == CHARGE -> wanted++ :: else fi
  :: else -> break
  od
}

/* Ends a session: what it holds is free again, and a charge that was no wrong code is given back. */
inline release(i) {
  if :: holdsCharge(i) -> intents!REFUND, NOBODY :: else fi
  rn = len(intents)
  do
  :: rn > 0 -> intents?rwhat, rwho; rn--
               if
               :: (rwhat == CHARGE || rwhat == COMMIT) && rwho == i -> skip
               :: rwhat == REFUND && rwho == i -> intents!REFUND, NOBODY /* nobody is asked about it any more */
               :: else -> intents!rwhat, rwho
               fi
  :: else -> break
  od
  rwhat = NOTHING; rwho = 0
  if :: storing == REFUND && storingFor == i -> storingFor = NOBODY :: else fi
#if MUTANT != 4 /* a reservation that is never released */
  if :: reserved == i -> reserved = NOBODY :: else fi
#endif
  step[i] = GONE
}

/* Brings forward whatever a step made possible: the lock, reservations, charges, the next write. */
inline settle() {
  count()
  if
  :: !decided && charged >= ALLOWED && inFlight == 0 -> closing = LOCKED; intents!END, NOBODY
  :: else
  fi
  s = 0
  do
  :: s < SESSIONS ->
     if
     :: decided && (step[s] == TYPING || step[s] == QUEUED || step[s] == MATCHED ||
                    step[s] == REFUNDING || step[s] == ASKING) -> release(s)
     :: !decided && step[s] == MATCHED && reserved == NOBODY ->
#if MUTANT != 3 && (!defined(APPROVE) || MUTANT == 10) /* no reservation; one while a person decides */
        reserved = s;
#endif
        step[s] = PROVING
     :: else
     fi
     s++
  :: else -> break
  od
  s = 0
  do
  :: s < SESSIONS ->
     count()
     if
     :: step[s] == QUEUED && reserved == NOBODY && charged + wanted < ALLOWED ->
        step[s] = CHARGING; intents!CHARGE, s
     :: else
     fi
     s++
  :: else -> break
  od
  do
  :: storing == NOTHING && nempty(intents) ->
     intents?what, who
     nextLife = life; nextCharged = charged; storingFor = who
     if
     :: what == CHARGE -> storing = CHARGE; nextCharged = charged + 1
     :: what == REFUND -> storing = REFUND; nextCharged = (charged > 0 -> charged - 1 : 0)
     :: what == END && closing != OPEN -> storing = END; nextLife = closing
     :: what == COMMIT && mayCommit -> storing = COMMIT; nextLife = REDEEMED
#if !defined(APPROVE) || MUTANT == 8
        nextCharged = charged - 1
#endif
     :: what == COMMIT && !mayCommit -> release(who)
     :: else
     fi
  :: else -> break
  od
  s = 0; n = 0; who = 0; what = NOTHING; inFlight = 0; wanted = 0
}

inline compare(i) {
  if
  :: right[i] -> step[i] = MATCHED
  :: else -> wrong++
     assert(wrong <= BUDGET)
#if MUTANT == 6 /* a wrong code is given back */
     intents!REFUND, NOBODY
#endif
     step[i] = TYPING
  fi
}

proctype Session(byte i) {
  byte s
  do
  :: atomic { step[i] == GONE && !decided ->
#ifdef HONEST
     right[i] = true
#else
     if :: right[i] = true :: right[i] = false fi
#endif
     step[i] = TYPING }
  :: atomic { step[i] == TYPING -> step[i] = QUEUED; settle() }
#ifdef WAITING
#define mayBeLost(i) (i != 0)
#else
#define mayBeLost(i) true
#endif
  :: atomic { mayBeLost(i) &&
     (step[i] == TYPING || step[i] == QUEUED || step[i] == MATCHED || step[i] == PROVING) ->
     release(i); settle() } /* its connection is lost */
#if defined(APPROVE) && !defined(WAITING)
  :: atomic { step[i] == REFUNDING || step[i] == ASKING -> release(i); settle() } /* the same, or a no */
  :: atomic { step[i] == ASKING -> step[i] = COMMITTING; intents!COMMIT, i; settle() } /* a yes */
#endif
  :: atomic { step[i] == CHARGING && !(storing == CHARGE && storingFor == i) -> release(i); settle() }
#if MUTANT == 2 /* compared before it is charged */
  :: atomic { step[i] == CHARGING -> compare(i); settle() }
#endif
  :: atomic { step[i] == COMPARING -> compare(i); settle() }
#ifndef APPROVE
  :: atomic { step[i] == PROVING -> step[i] = COMMITTING; intents!COMMIT, i; settle() }
#elif MUTANT == 8
  :: atomic { step[i] == PROVING -> step[i] = ASKING; settle() }
#else
  :: atomic { step[i] == PROVING -> step[i] = REFUNDING; intents!REFUND, i; settle() }
#endif
  od
}

proctype Storage() {
  byte s
  do
  :: atomic { storing != NOTHING ->
     if
     :: /* stored */
        if
        :: storing == COMMIT -> admissions++; assert(admissions <= 1); assert(!endTold)
           step[storingFor] = GONE
           if :: reserved == storingFor -> reserved = NOBODY :: else fi
           closing = OPEN
        :: storing == CHARGE -> step[storingFor] = COMPARING
        :: storing == REFUND && storingFor != NOBODY -> step[storingFor] = ASKING
        :: storing == END -> closing = OPEN; endTold = (nextLife == CANCELLED)
        :: else
        fi
        life = nextLife; charged = nextCharged
        storing = NOTHING; storingFor = 0; nextCharged = 0; nextLife = OPEN
        settle()
#ifndef HONEST
     :: /* refused by the disk */
        what = storing; writer = storingFor
        storing = NOTHING; storingFor = 0; nextCharged = 0; nextLife = OPEN
        if
        :: what == CHARGE || what == COMMIT -> release(writer)
        :: what == REFUND && writer != NOBODY -> step[writer] = ASKING /* the charge stays: on the safe side */
        :: else
        fi
        writer = 0
        settle()
#endif
     fi }
  od
}

proctype Owner() {
  byte s
  do
  :: atomic { life == OPEN && closing != CANCELLED -> closing = CANCELLED; intents!END, NOBODY; settle() }
  od
}

proctype Crash() {
  do
  :: atomic { true ->
     if
     :: storing != NOTHING -> /* it may have been the last thing that was done */
        if
        :: admissions = (storing == COMMIT -> admissions + 1 : admissions)
           assert(admissions <= 1)
           life = nextLife; charged = nextCharged
        :: skip
        fi
     :: else
     fi
     storing = NOTHING; storingFor = 0; nextCharged = 0; nextLife = OPEN; closing = OPEN; reserved = NOBODY
     step[0] = GONE; step[1] = GONE; step[2] = GONE
     do :: intents?_, _ :: empty(intents) -> break od
#if MUTANT == 7 /* a counter that starts anew */
     charged = 0
#endif
     }
  od
}

init {
  atomic {
    run Session(0); run Session(1); run Session(2); run Storage()
#if !defined(HONEST) && !defined(WAITING)
    run Owner(); run Crash()
#endif
  }
}

#ifdef HONEST
ltl nobodyLocksOut { [] (life != LOCKED) }
#endif
#ifdef WAITING
ltl everybodyGetsATurn { [] (step[0] == QUEUED -> <> (step[0] != QUEUED)) }
#endif
