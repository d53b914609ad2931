// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MessageHashUtils} from "@openzeppelin/contracts/utils/cryptography/MessageHashUtils.sol";
import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";
import {Digests} from "./Digests.sol";
import {FishermanRegistry} from "./FishermanRegistry.sol";
import {IFaultVerifier} from "./IFaultVerifier.sol";
import {IRoundsManager} from "./IRoundsManager.sol";
import {SignerDelegation} from "./SignerDelegation.sol";

/// @title FaultVerifier: what counts as proof
/// @notice Reads only, holds nothing, and can be replaced. Each class refuses everything that is not exactly its proof, with an error that
/// names what is wrong. Evidence is ABI-encoded as proofs/evidence.ts writes it; bytes that do not decode revert without data.
contract FaultVerifier is IFaultVerifier {
    uint8 private constant O1 = 1;
    uint8 private constant O2 = 2;
    uint8 private constant O3 = 3;
    uint8 private constant O4 = 4;
    uint8 private constant O5 = 5;
    uint8 private constant O6 = 6;
    /// @dev `faultClass` of votes that end a case without a conviction.
    uint8 private constant NO_FAULT = 0;
    uint8 private constant NO_BYTES = 255;
    uint8 private constant D1 = 17;
    uint8 private constant D3 = 19;
    /// @notice Two unbonding periods of Livepeer: what is older cannot be proven any more.
    uint256 public constant STATUTE_ROUNDS = 14;
    /// @notice Fewer people are no quorum, whatever they hold.
    uint256 public constant MIN_VOTES = 3;

    /// @notice Bits in which two frames must differ, of those that are strong in both. Noise and flat pictures have few strong bits.
    uint256 public constant FRAME_BITS = 20;
    /// @notice Pairs of frames that prove O2, and O6.
    uint256 public constant REUSE_FRAMES = 4;
    uint256 public constant CONTRADICTION_FRAMES = 8;
    /// @notice Smaller pictures say nothing about a source, pixels.
    uint256 public constant MIN_SIDE = 64;
    /// @notice `track` of the source's own frames.
    uint16 public constant SOURCE_TRACK = 0xffff;
    /// @dev Where the profile lies in the evidence of a reuse, bytes: behind two receipts of 11 words, two leaves of 9 and five places. It is
    /// read by itself, since ten values at once are too many for the stack.
    uint256 private constant PROFILE_AT = 45 * 32;

    /// @notice Part of every signature's domain; never changes.
    address public immutable anchor;
    SignerDelegation public immutable delegation;
    IRoundsManager public immutable rounds;
    FishermanRegistry public immutable registry;
    /// @notice Statute in seconds, for window roots, which carry a time and no round: STATUTE_ROUNDS times the length of a round.
    uint256 public immutable statuteSeconds;

    /// @dev One signer's part of a conviction; r and vs are an EIP-2098 signature over the vote with this workCommit in it.
    struct VoteShare {
        bytes32 workCommit;
        bytes32 r;
        bytes32 vs;
    }

    /// @dev A leaf under renditionsRoot with its path.
    struct Leaf {
        Digests.Rendition rendition;
        bytes32[] path;
    }

    /// @dev Two frames that should look the same, each with its path to the fingerprintRoot of its receipt.
    struct FramePair {
        Digests.FrameFp a;
        bytes32[] pathA;
        Digests.FrameFp b;
        bytes32[] pathB;
    }

    /// @notice No predicate exists for this class, or not on this path.
    error UnsupportedClass(uint8 faultClass);
    error UnknownVariant(uint8 variant);
    /// @notice Not 65 bytes, high s, v other than 27 and 28, or not a point.
    error BadSignature();
    /// @notice Whoever signed does not speak for this transcoder in that round.
    error NotSigner(address transcoder, address recovered);
    error StatuteExpired(uint256 round, uint256 currentRound);
    error WindowTooOld(uint256 closedAt);
    error DifferentOrders();
    error DifferentTranscoders();
    error DifferentWindows();
    error DifferentIndexes();
    /// @notice The two statements differ in nothing that counts.
    error NoContradiction();
    error NotUnderRoot(uint16 index);
    error NotPassThrough();
    error SameSource();
    /// @notice The profile is not the one that this leaf was made for; both leaves of a reuse are of one profile.
    error WrongProfile(uint16 index);
    /// @notice A profile with a rate of its own leaves source frames out, so two sources may differ and their honest output be one.
    error FixedRate(uint32 fpsNum);
    /// @notice No rendition of the two shows a frame of this number.
    error FrameNotShown(uint256 pair);
    error DifferentContents();
    /// @notice Of a picture so small no fingerprint says anything.
    error TooSmall(uint16 index);
    /// @notice Of two receipts the lower digest is first, of two roots the lower root; of two leaves the lower leaf in O1, the lower index in O4.
    error NotAscending();
    /// @notice The two leaves say one size, or one of them says none.
    error NotDuplicate();
    /// @notice The pixels are width x height x frames, or the leaf says no size.
    error NotMisstated();
    error TooFewFrames(uint256 frames);
    /// @notice The pair is not of the tracks, frame or time that its class compares.
    error WrongFrames(uint256 pair);
    error FramesNotAscending(uint256 pair);
    error TooSimilar(uint256 pair, uint256 bits);
    error FrameNotUnderRoot(uint256 pair);
    error WrongVoteClass(uint8 inVote, uint8 asked);
    error WrongVoteReceipt(bytes32 inVote, bytes32 digest);
    error WrongVoteTranscoder(address inVote, address inReceipt);
    error WrongFaultId(bytes32 inVote, bytes32 computed);
    /// @notice The shared vote must carry a zero workCommit, every share its own.
    error WrongWorkCommit();
    error ZeroVerdictVersion();
    error ZeroFinder();
    error VoteExpired(uint256 deadline);
    error TooFewVotes(uint256 votes);
    error SignersNotAscending(address previous, address next);
    error NoQuorum(uint256 weight, uint256 total);

    constructor(
        address anchor_,
        SignerDelegation delegation_,
        IRoundsManager rounds_,
        FishermanRegistry registry_,
        uint256 statuteSeconds_
    ) {
        anchor = anchor_;
        delegation = delegation_;
        rounds = rounds_;
        registry = registry_;
        statuteSeconds = statuteSeconds_;
    }

    /// @inheritdoc IFaultVerifier
    function checkObjective(uint8 faultClass, bytes calldata evidence) external view returns (Fault memory) {
        if (faultClass == O1) return _equivocation(evidence);
        if (faultClass == O2) return _reuse(evidence);
        if (faultClass == O3) return _passThrough(evidence);
        if (faultClass == O4) return _duplicate(evidence);
        if (faultClass == O5) return _metering(evidence);
        if (faultClass == O6) return _contradiction(evidence);
        revert UnsupportedClass(faultClass);
    }

    /// @inheritdoc IFaultVerifier
    function checkAccusation(
        uint8 faultClass,
        Digests.TranscodeReceipt calldata receipt,
        bytes calldata signature,
        Digests.Rendition calldata leaf,
        bytes32[] calldata path,
        uint32 verdictVersion
    ) external view returns (Fault memory fault, bytes32 evidenceHash) {
        if (faultClass < D1 || faultClass > D3) revert UnsupportedClass(faultClass);
        if (verdictVersion == 0) revert ZeroVerdictVersion();
        bytes32 digest = _checkReceipt(receipt, signature);
        if (!MerkleProof.verifyCalldata(path, receipt.renditionsRoot, Digests.leaf(leaf))) revert NotUnderRoot(leaf.index);
        fault = Fault(Digests.faultId(faultClass, receipt.transcoder, digest), receipt.transcoder, digest);
        evidenceHash = Digests.evidenceHash(
            digest,
            leaf.index,
            receipt.sourceHash,
            leaf.contentHash,
            leaf.profileHash,
            verdictVersion
        );
    }

    /// @inheritdoc IFaultVerifier
    /// @dev The statute was checked when the case was opened; here only that the receipt is the node's own.
    function checkConviction(uint8 faultClass, bytes calldata evidence) external view returns (Outcome memory) {
        if (faultClass < D1 || faultClass > D3) revert UnsupportedClass(faultClass);
        return _checkVotes(faultClass, faultClass, faultClass, evidence);
    }

    /// @inheritdoc IFaultVerifier
    /// @dev The id of the fault must be one of the three that the receipt can have.
    function checkDismissal(uint8 said, bytes calldata evidence) external view returns (Outcome memory) {
        if (said != NO_FAULT && said != NO_BYTES) revert UnsupportedClass(said);
        return _checkVotes(said, D1, D3, evidence);
    }

    /// @dev All that every voted outcome needs: votes that say `said` about a fault of one of the classes `first` to `last`.
    function _checkVotes(
        uint8 said,
        uint8 first,
        uint8 last,
        bytes calldata evidence
    ) private view returns (Outcome memory outcome) {
        (
            Digests.TranscodeReceipt memory receipt,
            bytes memory signature,
            Digests.ConvictionVote memory vote
        ) = abi.decode(evidence, (Digests.TranscodeReceipt, bytes, Digests.ConvictionVote));
        bytes32 digest = _receiptSignedBySigner(receipt, signature, rounds.currentRound());
        if (vote.faultClass != said) revert WrongVoteClass(vote.faultClass, said);
        if (vote.receiptDigest != digest) revert WrongVoteReceipt(vote.receiptDigest, digest);
        if (vote.transcoder != receipt.transcoder) revert WrongVoteTranscoder(vote.transcoder, receipt.transcoder);
        outcome.fault = Fault(_faultIdAmong(vote, first, last), vote.transcoder, digest);
        if (vote.workCommit != 0) revert WrongWorkCommit();
        if (vote.verdictVersion == 0) revert ZeroVerdictVersion();
        // Only a conviction has somebody to pay.
        if (vote.finder == address(0) && said == first) revert ZeroFinder();
        if (vote.deadline < block.timestamp) revert VoteExpired(vote.deadline);
        outcome.finder = vote.finder;
        outcome.evidenceHash = vote.evidenceHash;
        outcome.signersHash = _checkQuorum(vote, _sharesOf(evidence));
    }

    /// @dev The fourth value of the evidence, left where it is: words 0 to 10 are the receipt, 11 the place of its signature, 12 to 21 the
    /// vote, 22 the place of the shares. What does not lie inside reverts without data, as abi.decode does.
    function _sharesOf(bytes calldata evidence) private pure returns (VoteShare[] calldata shares) {
        assembly ("memory-safe") {
            let size := evidence.length
            if lt(size, 736) {
                revert(0, 0)
            }
            let at := calldataload(add(evidence.offset, 704))
            if gt(at, sub(size, 32)) {
                revert(0, 0)
            }
            let count := calldataload(add(evidence.offset, at))
            if gt(count, div(sub(sub(size, at), 32), 96)) {
                revert(0, 0)
            }
            shares.offset := add(add(evidence.offset, at), 32)
            shares.length := count
        }
    }

    function _faultIdAmong(Digests.ConvictionVote memory vote, uint8 first, uint8 last) private pure returns (bytes32 computed) {
        for (uint8 faultClass = first; faultClass <= last; faultClass++) {
            computed = Digests.faultId(faultClass, vote.transcoder, vote.receiptDigest);
            if (computed == vote.faultId) return computed;
        }
        revert WrongFaultId(vote.faultId, computed);
    }

    /// @return signersHash keccak256(abi.encodePacked(address[])) of who voted.
    function _checkQuorum(
        Digests.ConvictionVote memory vote,
        VoteShare[] calldata shares
    ) private view returns (bytes32 signersHash) {
        if (shares.length < MIN_VOTES) revert TooFewVotes(shares.length);
        bytes32 separator = Digests.domainSeparator(anchor);
        address[] memory signers = new address[](shares.length);
        // All votes are equal but for one word: it is changed in place.
        bytes memory encoded = abi.encode(Digests.CONVICTION_VOTE_TYPEHASH, vote);
        address previous;
        for (uint256 i = 0; i < signers.length; i++) {
            VoteShare calldata share = shares[i];
            bytes32 workCommit = share.workCommit;
            if (workCommit == 0) revert WrongWorkCommit();
            bytes32 structHash;
            assembly ("memory-safe") {
                // 32 bytes of length, the type hash, and six fields before it.
                mstore(add(encoded, 256), workCommit)
                structHash := keccak256(add(encoded, 32), mload(encoded))
            }
            bytes32 digest = MessageHashUtils.toTypedDataHash(separator, structHash);
            (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(digest, share.r, share.vs);
            if (problem != ECDSA.RecoverError.NoError) revert BadSignature();
            if (signer <= previous) revert SignersNotAscending(previous, signer);
            signers[i] = signer;
            previous = signer;
        }
        (uint256 weight, uint256 total) = registry.activeWeights(signers);
        if (weight * 3 <= total * 2) revert NoQuorum(weight, total);
        // The words of the list, which is what abi.encodePacked makes of it.
        assembly ("memory-safe") {
            signersHash := keccak256(add(signers, 32), mul(mload(signers), 32))
        }
    }

    /// @dev O1, three ways: two receipts for one order, two leaves of one index under one root, two roots for one window.
    function _equivocation(bytes calldata evidence) private view returns (Fault memory) {
        (uint8 variant, bytes memory inner) = abi.decode(evidence, (uint8, bytes));
        if (variant == 0) return _twoReceipts(inner);
        if (variant == 1) return _twoLeaves(inner);
        if (variant == 2) return _twoWindows(inner);
        revert UnknownVariant(variant);
    }

    /// @dev Differences only in completedAt, round or fingerprintRoot are what honest retries produce. The statute runs from the newer one:
    /// it is the second receipt that contradicts.
    function _twoReceipts(bytes memory inner) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory a,
            bytes memory signatureA,
            Digests.TranscodeReceipt memory b,
            bytes memory signatureB
        ) = abi.decode(inner, (Digests.TranscodeReceipt, bytes, Digests.TranscodeReceipt, bytes));
        if (a.orderHash != b.orderHash) revert DifferentOrders();
        if (a.transcoder != b.transcoder) revert DifferentTranscoders();
        if (
            a.renditionsRoot == b.renditionsRoot && a.profilesHash == b.profilesHash && a.sourceHash == b.sourceHash
        ) revert NoContradiction();
        uint256 current = rounds.currentRound();
        _checkStatute(a.round > b.round ? a.round : b.round, current);
        bytes32 digestA = _receiptSignedBySigner(a, signatureA, current);
        bytes32 digestB = _receiptSignedBySigner(b, signatureB, current);
        // One proof, one encoding; equal digests are one receipt, which does not contradict itself.
        if (digestA >= digestB) revert NotAscending();
        return Fault(Digests.faultId(O1, a.transcoder, a.orderHash), a.transcoder, digestA);
    }

    function _twoLeaves(bytes memory inner) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory receipt,
            bytes memory signature,
            Digests.Rendition memory a,
            bytes32[] memory pathA,
            Digests.Rendition memory b,
            bytes32[] memory pathB
        ) = abi.decode(
                inner,
                (Digests.TranscodeReceipt, bytes, Digests.Rendition, bytes32[], Digests.Rendition, bytes32[])
            );
        if (a.index != b.index) revert DifferentIndexes();
        if (Digests.leaf(a) == Digests.leaf(b)) revert NoContradiction();
        bytes32 digest = _checkReceipt(receipt, signature);
        _checkLeaf(receipt, a, pathA);
        _checkLeaf(receipt, b, pathB);
        if (Digests.leaf(a) >= Digests.leaf(b)) revert NotAscending();
        return Fault(Digests.faultId(O1, receipt.transcoder, receipt.orderHash), receipt.transcoder, digest);
    }

    /// @dev Window roots carry no round: the signer must have spoken for the transcoder at some time within the statute.
    function _twoWindows(bytes memory inner) private view returns (Fault memory) {
        (Digests.WindowRoot memory a, bytes memory signatureA, Digests.WindowRoot memory b, bytes memory signatureB) = abi
            .decode(inner, (Digests.WindowRoot, bytes, Digests.WindowRoot, bytes));
        if (a.transcoder != b.transcoder) revert DifferentTranscoders();
        if (a.windowId != b.windowId) revert DifferentWindows();
        if (a.root == b.root) revert NoContradiction();
        uint256 closedAt = a.closedAt > b.closedAt ? a.closedAt : b.closedAt;
        if (closedAt + statuteSeconds < block.timestamp) revert WindowTooOld(closedAt);
        uint256 current = rounds.currentRound();
        uint256 first = current > STATUTE_ROUNDS ? current - STATUTE_ROUNDS : 0;
        _signedBetween(a.transcoder, Digests.digest(anchor, Digests.hash(a)), signatureA, first, current);
        _signedBetween(b.transcoder, Digests.digest(anchor, Digests.hash(b)), signatureB, first, current);
        if (a.root >= b.root) revert NotAscending();
        // No receipt is named: the id is about the window.
        return Fault(Digests.faultId(O1, a.transcoder, bytes32(uint256(a.windowId))), a.transcoder, 0);
    }

    /// @dev O3: one receipt only. An old honest output presented as somebody's new source proves nothing here.
    function _passThrough(bytes calldata evidence) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory receipt,
            bytes memory signature,
            Digests.Rendition memory rendition,
            bytes32[] memory path
        ) = abi.decode(evidence, (Digests.TranscodeReceipt, bytes, Digests.Rendition, bytes32[]));
        if (rendition.contentHash != receipt.sourceHash) revert NotPassThrough();
        bytes32 digest = _checkReceipt(receipt, signature);
        _checkLeaf(receipt, rendition, path);
        return Fault(Digests.faultId(O3, receipt.transcoder, digest), receipt.transcoder, digest);
    }

    /// @dev O2: one content for two sources. A picture that a low bitrate flattens may be honest for both, hence the frames; and frames that
    /// the profile leaves out may differ in honest work, hence a profile that keeps all of them, and no frame beyond those that were made.
    function _reuse(bytes calldata evidence) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory a,
            bytes memory signatureA,
            Leaf memory leafA,
            Digests.TranscodeReceipt memory b,
            bytes memory signatureB,
            Leaf memory leafB,
            FramePair[] memory frames
        ) = _decodeReuse(evidence);
        if (a.transcoder != b.transcoder) revert DifferentTranscoders();
        if (a.sourceHash == b.sourceHash) revert SameSource();
        if (leafA.rendition.contentHash != leafB.rendition.contentHash) revert DifferentContents();
        _checkSide(leafA.rendition);
        _checkSide(leafB.rendition);
        _checkKeepsFrames(abi.decode(evidence[PROFILE_AT:], (Digests.Profile)), leafA.rendition, leafB.rendition);
        uint256 current = rounds.currentRound();
        // The newer receipt is the one that reused.
        _checkStatute(a.round > b.round ? a.round : b.round, current);
        bytes32 lower = _receiptSignedBySigner(a, signatureA, current);
        bytes32 higher = _receiptSignedBySigner(b, signatureB, current);
        if (lower >= higher) revert NotAscending();
        _checkLeaf(a, leafA.rendition, leafA.path);
        _checkLeaf(b, leafB.rendition, leafB.path);
        for (uint256 i = 0; i < frames.length; i++) {
            Digests.FrameFp memory frame = frames[i].a;
            Digests.FrameFp memory other = frames[i].b;
            if (frame.track != SOURCE_TRACK || other.track != SOURCE_TRACK || frame.frame != other.frame) {
                revert WrongFrames(i);
            }
            if (frame.frame >= leafA.rendition.frames || frame.frame >= leafB.rendition.frames) revert FrameNotShown(i);
        }
        _checkFrames(frames, REUSE_FRAMES, a.fingerprintRoot, b.fingerprintRoot);
        return Fault(Digests.reuseId(a.transcoder, lower, higher), a.transcoder, lower);
    }

    function _decodeReuse(
        bytes calldata evidence
    )
        private
        pure
        returns (
            Digests.TranscodeReceipt memory a,
            bytes memory signatureA,
            Leaf memory leafA,
            Digests.TranscodeReceipt memory b,
            bytes memory signatureB,
            Leaf memory leafB,
            FramePair[] memory frames
        )
    {
        (a, signatureA, leafA.rendition, leafA.path, b, signatureB, leafB.rendition, leafB.path, frames) = abi.decode(
            evidence,
            (
                Digests.TranscodeReceipt,
                bytes,
                Digests.Rendition,
                bytes32[],
                Digests.TranscodeReceipt,
                bytes,
                Digests.Rendition,
                bytes32[],
                FramePair[]
            )
        );
    }

    /// @dev Both leaves were made for this profile, and it keeps every frame of its source.
    function _checkKeepsFrames(
        Digests.Profile memory profile,
        Digests.Rendition memory a,
        Digests.Rendition memory b
    ) private pure {
        bytes32 profileHash = Digests.hash(profile);
        if (a.profileHash != profileHash) revert WrongProfile(a.index);
        if (b.profileHash != profileHash) revert WrongProfile(b.index);
        if (profile.fpsNum != 0) revert FixedRate(profile.fpsNum);
    }

    /// @dev O4: one content cannot have two coded sizes. Profiles that come to one size, or differ in their rate only, do not meet it.
    function _duplicate(bytes calldata evidence) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory receipt,
            bytes memory signature,
            Digests.Rendition memory a,
            bytes32[] memory pathA,
            Digests.Rendition memory b,
            bytes32[] memory pathB
        ) = abi.decode(
                evidence,
                (Digests.TranscodeReceipt, bytes, Digests.Rendition, bytes32[], Digests.Rendition, bytes32[])
            );
        if (a.contentHash != b.contentHash) revert DifferentContents();
        if (a.width == 0 || a.height == 0 || b.width == 0 || b.height == 0) revert NotDuplicate();
        if (a.width == b.width && a.height == b.height) revert NotDuplicate();
        if (a.index >= b.index) revert NotAscending();
        bytes32 digest = _checkReceipt(receipt, signature);
        _checkLeaf(receipt, a, pathA);
        _checkLeaf(receipt, b, pathB);
        return Fault(Digests.faultId(O4, receipt.transcoder, digest), receipt.transcoder, digest);
    }

    /// @dev O5: a leaf that contradicts itself. Where the size changes inside the segment it is 0,0, and nothing follows.
    function _metering(bytes calldata evidence) private view returns (Fault memory) {
        (
            Digests.TranscodeReceipt memory receipt,
            bytes memory signature,
            Digests.Rendition memory rendition,
            bytes32[] memory path
        ) = abi.decode(evidence, (Digests.TranscodeReceipt, bytes, Digests.Rendition, bytes32[]));
        if (rendition.width == 0 || rendition.height == 0) revert NotMisstated();
        if (uint256(rendition.width) * rendition.height * rendition.frames == rendition.pixels) revert NotMisstated();
        bytes32 digest = _checkReceipt(receipt, signature);
        _checkLeaf(receipt, rendition, path);
        return Fault(Digests.faultId(O5, receipt.transcoder, digest), receipt.transcoder, digest);
    }

    /// @dev O6: by its own fingerprints a rendition does not show the source. The node can always leave the root zero.
    function _contradiction(bytes calldata evidence) private view returns (Fault memory) {
        (Digests.TranscodeReceipt memory receipt, bytes memory signature, FramePair[] memory frames) = abi.decode(
            evidence,
            (Digests.TranscodeReceipt, bytes, FramePair[])
        );
        bytes32 digest = _checkReceipt(receipt, signature);
        for (uint256 i = 0; i < frames.length; i++) {
            Digests.FrameFp memory source = frames[i].a;
            Digests.FrameFp memory made = frames[i].b;
            if (
                source.track != SOURCE_TRACK ||
                made.track == SOURCE_TRACK ||
                made.track != frames[0].b.track ||
                made.ptsMs != source.ptsMs
            ) revert WrongFrames(i);
        }
        _checkFrames(frames, CONTRADICTION_FRAMES, receipt.fingerprintRoot, receipt.fingerprintRoot);
        return Fault(Digests.faultId(O6, receipt.transcoder, digest), receipt.transcoder, digest);
    }

    /// @dev Enough pairs, no frame twice, each pair visibly different and committed to.
    function _checkFrames(FramePair[] memory frames, uint256 needed, bytes32 rootA, bytes32 rootB) private pure {
        if (frames.length < needed) revert TooFewFrames(frames.length);
        for (uint256 i = 0; i < frames.length; i++) {
            FramePair memory pair = frames[i];
            if (i > 0 && (pair.a.frame <= frames[i - 1].a.frame || pair.b.frame <= frames[i - 1].b.frame)) {
                revert FramesNotAscending(i);
            }
            uint256 bits = _popcount((pair.a.dhash ^ pair.b.dhash) & pair.a.strong & pair.b.strong);
            if (bits < FRAME_BITS) revert TooSimilar(i, bits);
            if (!MerkleProof.verify(pair.pathA, rootA, Digests.leaf(pair.a))) revert FrameNotUnderRoot(i);
            if (!MerkleProof.verify(pair.pathB, rootB, Digests.leaf(pair.b))) revert FrameNotUnderRoot(i);
        }
    }

    /// @dev Bits that are set in 64; sums of neighbours, then of their sums.
    function _popcount(uint64 value) private pure returns (uint256 count) {
        unchecked {
            count = value - ((value >> 1) & 0x5555555555555555);
            count = (count & 0x3333333333333333) + ((count >> 2) & 0x3333333333333333);
            count = (count + (count >> 4)) & 0x0f0f0f0f0f0f0f0f;
            count = ((count * 0x0101010101010101) >> 56) & 0xff;
        }
    }

    function _checkSide(Digests.Rendition memory rendition) private pure {
        if (rendition.width < MIN_SIDE || rendition.height < MIN_SIDE) revert TooSmall(rendition.index);
    }

    function _checkReceipt(
        Digests.TranscodeReceipt memory receipt,
        bytes memory signature
    ) private view returns (bytes32) {
        uint256 current = rounds.currentRound();
        _checkStatute(receipt.round, current);
        return _receiptSignedBySigner(receipt, signature, current);
    }

    /// @dev A future round counts as the current one, so that no receipt outlives its statute by claiming to be young.
    function _checkStatute(uint256 round, uint256 current) private pure {
        if (round < current && current - round > STATUTE_ROUNDS) revert StatuteExpired(round, current);
    }

    function _receiptSignedBySigner(
        Digests.TranscodeReceipt memory receipt,
        bytes memory signature,
        uint256 current
    ) private view returns (bytes32 digest) {
        digest = Digests.digest(anchor, Digests.hash(receipt));
        uint256 round = receipt.round < current ? receipt.round : current;
        _signedBetween(receipt.transcoder, digest, signature, round, round);
    }

    function _signedBetween(
        address transcoder,
        bytes32 digest,
        bytes memory signature,
        uint256 first,
        uint256 last
    ) private view {
        (address signer, ECDSA.RecoverError problem, ) = ECDSA.tryRecover(digest, signature);
        if (problem != ECDSA.RecoverError.NoError) revert BadSignature();
        if (signer == transcoder) return;
        if (!delegation.isSignerBetween(transcoder, signer, first, last)) revert NotSigner(transcoder, signer);
    }

    function _checkLeaf(
        Digests.TranscodeReceipt memory receipt,
        Digests.Rendition memory rendition,
        bytes32[] memory path
    ) private pure {
        if (!MerkleProof.verify(path, receipt.renditionsRoot, Digests.leaf(rendition))) {
            revert NotUnderRoot(rendition.index);
        }
    }
}
