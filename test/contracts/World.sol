// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {Base} from "./Base.sol";
import {Digests} from "contracts/Digests.sol";
import {FaultVerifier} from "contracts/FaultVerifier.sol";
import {FishermanRegistry} from "contracts/FishermanRegistry.sol";
import {FishermanVerifier} from "contracts/FishermanVerifier.sol";
import {ISlasher} from "contracts/ISlasher.sol";
import {LocalRounds} from "contracts/LocalRounds.sol";
import {MultisigDecoderOracle} from "contracts/MultisigDecoderOracle.sol";
import {Parameters} from "contracts/Parameters.sol";
import {ReceiptAnchor} from "contracts/ReceiptAnchor.sol";
import {SecurityDeposit} from "contracts/SecurityDeposit.sol";
import {SignerDelegation} from "contracts/SignerDelegation.sol";
import {SecurityDepositSlasher} from "contracts/Slashers.sol";
import {TestToken} from "contracts/TestToken.sol";

/// @title World: everything deployed as on a public network, with keys for everybody
abstract contract World is Base {
    uint256 internal constant TOKEN = 1e18;
    uint256 internal constant ROUND_SECONDS = 76_524;
    uint256 internal constant FIRST_ROUND = 40;
    uint256 internal constant MEMBERS = 4;
    uint256 internal constant NODES = 3;
    /// @dev version of the verdict that is in force.
    uint32 internal constant VERSION = 7;
    /// @dev order of the curve; a signature with s above its half is malleable.
    uint256 internal constant CURVE_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;

    TestToken internal token;
    LocalRounds internal rounds;
    SignerDelegation internal delegation;
    ReceiptAnchor internal anchor;
    FishermanRegistry internal registry;
    SecurityDeposit internal deposit;
    SecurityDepositSlasher internal depositSlasher;
    FaultVerifier internal faults;
    MultisigDecoderOracle internal oracle;
    FishermanVerifier internal verifier;

    address internal governor = address(0x60);
    address internal guardian = address(0x61);
    address internal treasury = address(0x62);
    address internal judge = address(0x63);
    address internal stranger = address(0x64);
    /// @dev private keys; members ascend by address.
    uint256[] internal memberKeys;
    uint256[] internal nodeKeys;
    /// @dev their addresses; deriving them each time would be what the tests spend their time on.
    address[] internal memberAt;
    address[] internal nodeAt;
    uint256 internal minted;

    function setUp() public virtual {
        deployWorld(defaultAmounts());
    }

    function defaultTimes() internal pure returns (Parameters.Times memory) {
        return
            Parameters.Times({
                minCommitAge: 5,
                maxCommitAge: 1 hours,
                answerSeconds: 1 days,
                caseSeconds: 7 days,
                appealSeconds: 14 days,
                timelockSeconds: 7 days
            });
    }

    function defaultAmounts() internal pure returns (Parameters.Amounts memory) {
        return Parameters.Amounts({openBond: uint96(25 * TOKEN), appealBond: uint96(25 * TOKEN), dailyCap: uint128(50 * TOKEN), minimumTake: uint128(TOKEN)});
    }

    function registryParameters() internal pure returns (FishermanRegistry.Parameters memory) {
        return
            FishermanRegistry.Parameters({
                minBond: uint128(250 * TOKEN),
                weightCap: uint128(1000 * TOKEN),
                activationSeconds: 120,
                exitSeconds: 21 days,
                silentSeconds: 3 days,
                maxMembers: 24
            });
    }

    function deployWorld(Parameters.Amounts memory amounts) internal {
        vm.warp(1_800_000_000);
        token = TestToken(deploy("TestToken", ""));
        rounds = LocalRounds(deploy("LocalRounds", abi.encode(ROUND_SECONDS)));
        delegation = SignerDelegation(deploy("SignerDelegation", abi.encode(rounds)));
        anchor = ReceiptAnchor(deploy("ReceiptAnchor", ""));
        uint256 nonce = vm.getNonce(address(this));
        address verifierAt = vm.computeCreateAddress(address(this), nonce + 5);
        address slasherAt = vm.computeCreateAddress(address(this), nonce + 2);
        registry = FishermanRegistry(
            deploy("FishermanRegistry", abi.encode(token, verifierAt, registryParameters()))
        );
        deposit = SecurityDeposit(
            deploy("SecurityDeposit", abi.encode(token, verifierAt, slasherAt, uint64(21 days)))
        );
        depositSlasher = SecurityDepositSlasher(makeDepositSlasher(verifierAt));
        faults = FaultVerifier(
            deploy("FaultVerifier", abi.encode(anchor, delegation, rounds, registry, 14 * ROUND_SECONDS))
        );
        address[] memory judges = new address[](1);
        judges[0] = judge;
        oracle = MultisigDecoderOracle(deploy("MultisigDecoderOracle", abi.encode(judges, uint256(1))));
        verifier = FishermanVerifier(deploy("FishermanVerifier", verifierArguments(amounts, depositSlasher)));
        eq(address(verifier), verifierAt, "wiring");
        populate();
    }

    function verifierArguments(
        Parameters.Amounts memory amounts,
        ISlasher objectiveSlasher
    ) internal view returns (bytes memory) {
        return
            abi.encode(
                FishermanVerifier.Wiring({
                    token: token,
                    registry: registry,
                    deposit: deposit,
                    delegation: delegation,
                    rounds: rounds,
                    depositSlasher: depositSlasher,
                    faultVerifier: faults,
                    objectiveSlasher: objectiveSlasher,
                    oracle: oracle
                }),
                defaultTimes(),
                Parameters.Roles({governor: governor, guardian: guardian, treasury: treasury}),
                amounts,
                VERSION
            );
    }

    /// @dev Creates a contract from its compiled artifact, so that tests carry no copy of it. The mutation tests name a file with other code.
    function deploy(string memory name, bytes memory arguments) internal returns (address made) {
        string memory file = vm.envOr(string.concat("MUTANT_", name), string(""));
        if (bytes(file).length == 0) return vm.deployCode(string.concat(name, ".sol:", name), arguments);
        bytes memory code = bytes.concat(vm.parseBytes(vm.readFile(file)), arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
        }
        isTrue(made != address(0), "a mutant that cannot be deployed");
    }

    function makeDepositSlasher(address verifierAt) internal virtual returns (address) {
        return deploySlasher("SecurityDepositSlasher", abi.encode(deposit, verifierAt));
    }

    function deploySlasher(string memory name, bytes memory arguments) internal returns (address) {
        return vm.deployCode(string.concat("Slashers.sol:", name), arguments);
    }

    /// @dev Four members of equal weight, active; three nodes with 1,000 tokens each.
    function populate() internal {
        for (uint256 i = 0; i < MEMBERS; i++) memberKeys.push(0xf000 + i);
        sortKeys(memberKeys);
        for (uint256 i = 0; i < NODES; i++) nodeKeys.push(0xa000 + i);
        for (uint256 i = 0; i < MEMBERS; i++) memberAt.push(vm.addr(memberKeys[i]));
        for (uint256 i = 0; i < NODES; i++) nodeAt.push(vm.addr(nodeKeys[i]));
        for (uint256 i = 0; i < MEMBERS; i++) join(member(i), 1000 * TOKEN);
        for (uint256 i = 0; i < NODES; i++) putDeposit(node(i), 1000 * TOKEN);
        toRound(FIRST_ROUND);
    }

    function sortKeys(uint256[] storage keys) internal {
        for (uint256 i = 1; i < keys.length; i++) {
            for (uint256 j = i; j > 0 && vm.addr(keys[j]) < vm.addr(keys[j - 1]); j--) {
                (keys[j], keys[j - 1]) = (keys[j - 1], keys[j]);
            }
        }
    }

    // ------------------------------------------------------------------------------------------------------------------- people

    function give(address to, uint256 amount) internal {
        token.mint(to, amount);
        minted += amount;
    }

    function join(address who, uint256 bond) internal {
        give(who, bond);
        vm.startPrank(who);
        token.approve(address(registry), bond);
        registry.register(bond, new bytes(96), new bytes(48));
        vm.stopPrank();
    }

    function putDeposit(address who, uint256 amount) internal {
        give(who, amount);
        vm.startPrank(who);
        token.approve(address(deposit), amount);
        deposit.deposit(amount);
        vm.stopPrank();
    }

    function member(uint256 i) internal view returns (address) {
        return memberAt[i];
    }

    function node(uint256 i) internal view returns (address) {
        return nodeAt[i];
    }

    /// @dev Moves chain time to the start of a round.
    function toRound(uint256 round) internal {
        vm.warp(rounds.startedAt() + (round - 1) * ROUND_SECONDS);
    }

    function pass(uint256 secs) internal {
        vm.warp(block.timestamp + secs);
    }

    // --------------------------------------------------------------------------------------------------------------- statements

    function sign(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The other signature of the same key over the same digest: high s.
    function malleate(bytes memory signature) internal pure returns (bytes memory) {
        (bytes32 r, bytes32 s, uint8 v) = split(signature);
        return abi.encodePacked(r, bytes32(CURVE_ORDER - uint256(s)), v == 27 ? uint8(28) : uint8(27));
    }

    function split(bytes memory signature) internal pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }

    function receiptOf(uint256 nodeIndex, uint256 salt) internal view returns (Digests.TranscodeReceipt memory) {
        return
            Digests.TranscodeReceipt({
                orderHash: keccak256(abi.encode("order", salt)),
                transcoder: node(nodeIndex),
                requester: address(0x77),
                streamId: keccak256(abi.encode("stream", salt)),
                seq: 1,
                sourceHash: keccak256(abi.encode("source", salt)),
                profilesHash: keccak256("profiles"),
                renditionsRoot: keccak256("renditions"),
                fingerprintRoot: 0,
                completedAt: uint64(block.timestamp),
                round: uint64(rounds.currentRound())
            });
    }

    function leafOf(uint16 index, uint256 salt) internal pure returns (Digests.Rendition memory) {
        return
            Digests.Rendition({
                index: index,
                profileHash: keccak256(abi.encode("profile", index)),
                contentHash: keccak256(abi.encode("content", index, salt)),
                byteLength: 200_000,
                pixels: 1280 * 720 * 60,
                width: 1280,
                height: 720,
                frames: 60,
                durationMs: 2000
            });
    }

    function digestOf(Digests.TranscodeReceipt memory receipt) internal view returns (bytes32) {
        return Digests.digest(address(anchor), Digests.hash(receipt));
    }

    function signReceipt(uint256 key, Digests.TranscodeReceipt memory receipt) internal view returns (bytes memory) {
        return sign(key, digestOf(receipt));
    }

    // -------------------------------------------------------------------------------------------------------------------- trees

    function pair(bytes32 a, bytes32 b) internal pure returns (bytes32) {
        return a < b ? keccak256(abi.encode(a, b)) : keccak256(abi.encode(b, a));
    }

    /// @dev A tree over any number of hashes: an odd one goes up alone. Any such tree of sorted pairs proves under the same rule.
    function rootOf(bytes32[] memory leaves) internal pure returns (bytes32) {
        uint256 n = leaves.length;
        bytes32[] memory level = new bytes32[](n);
        for (uint256 i = 0; i < n; i++) level[i] = leaves[i];
        while (n > 1) {
            for (uint256 i = 0; i < n / 2; i++) level[i] = pair(level[2 * i], level[2 * i + 1]);
            if (n % 2 == 1) level[n / 2] = level[n - 1];
            n = (n + 1) / 2;
        }
        return level[0];
    }

    function pathOf(bytes32[] memory leaves, uint256 place) internal pure returns (bytes32[] memory path) {
        uint256 n = leaves.length;
        bytes32[] memory level = new bytes32[](n);
        for (uint256 i = 0; i < n; i++) level[i] = leaves[i];
        path = new bytes32[](24);
        uint256 steps;
        while (n > 1) {
            uint256 other = place ^ 1;
            if (other < n) path[steps++] = level[other];
            for (uint256 i = 0; i < n / 2; i++) level[i] = pair(level[2 * i], level[2 * i + 1]);
            if (n % 2 == 1) level[n / 2] = level[n - 1];
            n = (n + 1) / 2;
            place /= 2;
        }
        assembly ("memory-safe") {
            mstore(path, steps)
        }
    }

    function hashesOf(Digests.Rendition[] memory leaves) internal pure returns (bytes32[] memory hashes) {
        hashes = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; i++) hashes[i] = Digests.leaf(leaves[i]);
    }

    // ------------------------------------------------------------------------------------------------------------------- courts

    function commitmentOf(address sender, bytes32 faultId, bytes32 salt) internal pure returns (bytes32) {
        return keccak256(abi.encode("commit", sender, faultId, salt));
    }

    /// @dev Commits, waits and reveals as `who`.
    function prove(address who, uint8 faultClass, bytes memory evidence, bytes32 faultId) internal {
        bytes32 salt = keccak256(abi.encode(who, faultId));
        vm.prank(who);
        verifier.commit(commitmentOf(who, faultId, salt));
        pass(5);
        vm.prank(who);
        verifier.reveal(faultClass, evidence, salt);
    }
}
