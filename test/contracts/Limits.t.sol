// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ISlasher} from "contracts/ISlasher.sol";
import {NullSlasher, OnlyVerifier} from "contracts/Slashers.sol";
import {TakeLimits} from "contracts/TakeLimits.sol";
import {Court} from "./Court.sol";

/// @title How much may be taken: every limit lowers the amount, none makes a proof fail
contract LimitsTest is Court {
    address internal finder = address(0xf1);

    function amountOf(bytes32 faultId) internal view returns (uint256) {
        return verifier.caseOf(faultId).amount;
    }

    function set(bytes32 name, uint256 value) internal {
        vm.prank(governor);
        verifier.announce(name, value);
        pass(7 days);
        verifier.applyChange(name);
    }

    function test_five_percent_a_round() public {
        set("dailyCap", 1000 * TOKEN);
        toRound(FIRST_ROUND + 10);
        eq(amountOf(proveBy(finder, 0, 1)), 30 * TOKEN, "3 %");
        eq(amountOf(proveBy(finder, 0, 2)), 20 * TOKEN, "2 % are left of the round");
        eq(amountOf(proveBy(finder, 0, 3)), 0, "nothing is left");
        eq(deposit.stakeOf(node(0)), 950 * TOKEN, "95 %");
        eq(amountOf(proveBy(finder, 1, 1)), 30 * TOKEN, "another node has its own cap");
    }

    function test_the_daily_cap_holds_for_the_network_and_ends_at_midnight() public {
        uint256 midnight = (block.timestamp / 1 days + 1) * 1 days;
        vm.warp(midnight);
        eq(amountOf(proveBy(finder, 0, 1)), 30 * TOKEN, "first");
        eq(amountOf(proveBy(finder, 1, 1)), 20 * TOKEN, "what is left of 50");
        eq(amountOf(proveBy(finder, 2, 1)), 0, "spent");
        vm.warp(midnight + 1 days - 6);
        eq(amountOf(proveBy(finder, 2, 2)), 0, "last second of the day");
        eq(amountOf(proveBy(finder, 2, 3)), 30 * TOKEN, "the next day");
    }

    function test_a_cap_of_zero_lets_every_proof_through_and_takes_nothing() public {
        set("dailyCap", 0);
        bytes32 faultId = proveBy(finder, 0, 1);
        isTrue(verifier.isConvicted(faultId), "convicted");
        eq(amountOf(faultId), 0, "nothing");
        pass(14 days);
        verifier.settle(faultId);
    }

    function test_the_minimum_is_taken_or_nothing() public {
        set("minimumTake", 30 * TOKEN);
        eq(amountOf(proveBy(finder, 0, 1)), 30 * TOKEN, "exactly the minimum");
        set("minimumTake", 30 * TOKEN + 1);
        eq(amountOf(proveBy(finder, 1, 1)), 0, "one wei below it");
    }

    function test_a_node_without_stake_is_convicted_all_the_same() public {
        vm.prank(node(0));
        deposit.thaw(1000 * TOKEN);
        pass(21 days);
        vm.prank(node(0));
        deposit.withdraw();
        bytes32 faultId = proveBy(finder, 0, 1);
        isTrue(verifier.isConvicted(faultId), "convicted");
        eq(amountOf(faultId), 0, "nothing was there");
    }

    function test_a_smaller_stake_mid_round_does_not_lift_the_cap() public {
        set("dailyCap", 1000 * TOKEN);
        toRound(FIRST_ROUND + 10);
        proveBy(finder, 0, 1);
        putDeposit(node(0), 9000 * TOKEN);
        eq(amountOf(proveBy(finder, 0, 2)), 20 * TOKEN, "the cap is of the stake at the round's first conviction");
    }

    function test_a_reckless_slasher_cannot_mint_a_claim() public {
        // It says that it took, and moved nothing.
        Liar liar = new Liar();
        set("objectiveSlasher", uint160(address(liar)));
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(amountOf(faultId), 0, "what arrived is measured");
        pass(14 days);
        verifier.settle(faultId);
    }

    function test_the_null_slasher_takes_nothing() public {
        NullSlasher none = new NullSlasher();
        set("objectiveSlasher", uint160(address(none)));
        bytes32 faultId = proveBy(finder, 0, 1);
        eq(amountOf(faultId), 0, "nothing");
        isTrue(verifier.isConvicted(faultId), "but convicted");
        eq(none.stakeOf(node(0)), 0, "no stake");
    }

    function test_the_shares_in_code_are_these() public view {
        eq(verifier.MAX_TAKE_PPM(), 100_000, "a tenth at most");
        eq(verifier.ROUND_CAP_PPM(), 50_000, "5 % a round");
        eq(verifier.OBJECTIVE_PPM(), 30_000, "3 %");
        eq(verifier.REPLAY_PPM(), 10_000, "1 %");
        eq(verifier.FINDER_PPM(), 100_000, "a tenth");
    }

    function test_whatever_the_class_costs_no_more_than_a_tenth_is_asked() public {
        Taker taker = new Taker(1000 * TOKEN);
        Exact slasher = new Exact(1000 * TOKEN);
        eq(taker.takes(slasher, 1_000_000), 50 * TOKEN, "the round cap is lower still");
        eq(slasher.asked(), 50 * TOKEN, "asked");
    }

    /// @dev Without a minimum: nothing is asked where nothing is left, and a single wei where a wei is.
    function test_nothing_is_never_asked_for() public {
        set("minimumTake", 0);
        Exact slasher = new Exact(0);
        set("objectiveSlasher", uint160(address(slasher)));
        proveBy(finder, 0, 1);
        eq(slasher.asked(), 0, "no stake");
        slasher.set(34);
        proveBy(finder, 1, 1);
        eq(slasher.asked(), 1, "3 % of 34 wei");
    }

    /// @dev A single wei counts, and its share is rounded up: 1,000,000 / 37 is 27,027 and a little, whose rest is the smallest there is.
    function test_the_share_of_a_single_wei_is_rounded_up() public {
        set("minimumTake", 0);
        Exact slasher = new Exact(37);
        set("objectiveSlasher", uint160(address(slasher)));
        proveBy(finder, 0, 1);
        eq(slasher.asked(), 1, "3 % of 37 wei");
        (, uint96 snapshot, uint112 shares) = verifier.nodeTakes(address(slasher), node(0));
        eq(snapshot, 37, "stake at the first take");
        eq(shares, 27_028, "rounded up");
    }

    function test_without_a_minimum_the_caps_are_exact() public {
        set("minimumTake", 0);
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        proveBy(finder, 0, 1);
        proveBy(finder, 0, 2);
        eq(amountOf(proveBy(finder, 0, 3)), 0, "not a wei over 50 a day");
        set("dailyCap", 1000 * TOKEN);
        toRound(FIRST_ROUND + 60);
        uint256 stake = deposit.stakeOf(node(0));
        uint256 taken = amountOf(proveBy(finder, 0, 4)) + amountOf(proveBy(finder, 0, 5));
        eq(taken, (stake * 50_000) / 1_000_000, "5 % of the round");
        eq(amountOf(proveBy(finder, 0, 6)), 0, "not a wei over it");
    }

    function test_only_the_verifier_calls_the_slasher() public {
        vm.prank(governor);
        fails(OnlyVerifier.selector);
        depositSlasher.take(node(0), 1);
    }

    /// @dev Any stake, any number of proofs in one round and one day: 5 % and the cap hold, and no proof fails.
    function testFuzz_no_amount_makes_a_proof_fail(uint128 extra, uint8 proofs, uint128 cap, uint128 minimum) public {
        proofs = uint8(bound(proofs, 1, 4));
        set("dailyCap", cap);
        set("minimumTake", minimum);
        extra = uint128(bound(extra, 1, type(uint96).max));
        putDeposit(node(0), extra);
        toRound(FIRST_ROUND + 20);
        vm.warp((block.timestamp / 1 days + 1) * 1 days);
        uint256 stake = deposit.stakeOf(node(0));
        uint256 taken;
        for (uint256 i = 0; i < proofs; i++) {
            uint256 one = amountOf(proveBy(finder, 0, i));
            isTrue(one == 0 || one >= minimum, "below the minimum");
            atMost(one, (stake * 30_000) / 1_000_000, "3 % each");
            taken += one;
        }
        atMost(taken, (stake * 50_000) / 1_000_000, "5 % a round");
        atMost(taken, cap, "daily cap");
        eq(deposit.stakeOf(node(0)), stake - taken, "all of it is held");
    }
}

contract Liar is ISlasher {
    function stakeOf(address) external pure returns (uint256) {
        return 1e24;
    }

    function take(address, uint256 amount) external pure returns (uint256) {
        return amount * 2;
    }
}

/// @dev Refuses to be asked for nothing, and keeps what it was asked for.
contract Exact is ISlasher {
    uint256 internal stake;
    uint256 public asked;

    constructor(uint256 stake_) {
        stake = stake_;
    }

    function set(uint256 stake_) external {
        stake = stake_;
    }

    function stakeOf(address) external view returns (uint256) {
        return stake;
    }

    function take(address, uint256 amount) external returns (uint256) {
        require(amount > 0, "asked for nothing");
        asked = amount;
        return amount;
    }
}

/// @dev The limits alone, for shares that no class has.
contract Taker is TakeLimits {
    constructor(uint256 cap) {
        dailyCap = uint128(cap);
    }

    function takes(ISlasher slasher, uint256 ppm) external returns (uint256) {
        return _takeWithin(slasher, address(1), ppm, 1);
    }
}
